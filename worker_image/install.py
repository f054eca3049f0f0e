"""Builds the image's Python environment. Runs in the build stage, on the base image's own Python.

A base with Airflow (the official image) keeps it: only what is missing is installed, and the new environment
sees the base's packages through a .pth file. On a plain Python base everything is installed. Uses the
standard library only; the progress that it prints is the build's log.
"""

# ruff: noqa: INP001  a script

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

CONTROL = "control"

# Of no use in a container: globs below site-packages.
STRIPPED = (
    "botocore/data/*/*/examples-1.json",  # for documentation
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/__pycache__",
)
# Not needed to run a task, and large.
STRIPPED_WORKER = (
    "airflow/api_fastapi/*/openapi",  # of the API server
    "airflow/api_fastapi/*/routes",
    "airflow/api_fastapi/core_api/services",
    "airflow/ui/dist",  # the web pages
    "airflow/ui/public",
    "airflow/api_fastapi/auth/managers/simple/ui",
    "airflow/www/static",
    "babel/locale-data/*.dat",  # 29 MB that only ds_format_locale reads; KEPT says which stay
    "pygments/lexers/[a-z]*.py",  # KEPT says which stay
)
STRIPPED_WORKER_3 = ("airflow/migrations",)  # a worker of Airflow 3 has no database
KEPT = re.compile(
    r"/locale-data/(root|en(_001|_150|_GB|_US)?)\.dat$"
    r"|/lexers/(configs|data|diff|html|javascript|json5|markup|python|shell|special|sql|templates|web)\.py$"
)

# The build fails unless these imports succeed: in every release, in Airflow 2, in Airflow 3.
IMPORTED = (
    "import airflow.__main__, airflow_fargate.worker.entrypoint",
    "import airflow.providers.amazon.aws.log.s3_task_handler",
    "import airflow.providers.standard.operators.bash, airflow.providers.common.sql.operators.sql",
)
IMPORTED_2 = ("import airflow.cli.commands.task_command, airflow.jobs.local_task_job_runner, psycopg2",)
# The task runner imports this only when it reads a DAG; its place depends on the release.
DAGBAG = (
    "from importlib import import_module, util; new, old = 'airflow.dag_processing', 'airflow.models';"
    "import_module((new if util.find_spec(new + '.dagbag') else old) + '.dagbag')"
)
IMPORTED_3 = (
    "import airflow.sdk.execution_time.supervisor, airflow.sdk.execution_time.task_runner",
    "import airflow.executors.workloads, airflow.providers.amazon.aws.bundles.s3",
    DAGBAG,
)
IMPORTED_CONTROL = (
    "import airflow.jobs.scheduler_job_runner, airflow.jobs.triggerer_job_runner, airflow_fargate",
    "import airflow.api_fastapi.app, airflow.providers.fab.auth_manager.fab_auth_manager",
    "import asyncpg, gunicorn, psycopg2, airflow_fargate.control.entrypoint",
)


def main() -> None:
    """Install, strip and compile."""
    options = _options()
    base = _distributions_of_the_base()
    airflow = base.get("apache-airflow-core") or base.get("apache-airflow")
    if airflow is None:
        base = {}
    elif airflow != options.airflow_version:
        sys.exit(f"The base image has Airflow {airflow}: build with AIRFLOW_VERSION={airflow}.")

    tools = options.work / "tools"
    _make_environment(tools, "--clear")
    pip = [str(tools / "bin" / "python3"), "-m", "pip"]
    _run([*pip, "install", "--require-hashes", "-r", str(options.build_lock)])

    _make_environment(options.target, "--without-pip")
    python = str(options.target / "bin" / "python3")
    site_packages = _site_packages(options.target)
    into_target = [*pip, "--python", python, "install", "--no-compile"]
    lock = options.lock.read_text()
    locked = [*into_target, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r"]
    missing = options.work / "missing.txt"
    missing.write_text(without(lock, set(base)))
    _run([*locked, str(missing)])

    wheels = options.work / "wheels"
    # Without an index, so that it can only be this folder.
    build = ["wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels)]
    _run([*pip, *build, str(options.package.resolve())])
    _run([*into_target, "--no-deps", "--no-index", *map(str, wheels.glob("*.whl"))])

    check = [*pip, "--python", python, "check"]
    if base:
        here = sysconfig.get_path("purelib")
        (site_packages / "base_image.pth").write_text(f"{here}\n")
        names = {name for name, _ in _entries(lock)}
        compile_apart(needed(Path(here), names, stripped(options)), options.work / "compiled")
        # If a base package is too old for what was added, the locked version takes precedence.
        if unfit := conflicts(_output(check)) & set(base):
            newer = options.work / "newer.txt"
            newer.write_text(only(lock, unfit))
            _run([*locked[:-1], "--ignore-installed", "-r", str(newer)])
            _say(f"Newer than the base's, because added packages need it: {', '.join(sorted(unfit))}")
            base = {name: version for name, version in base.items() if name not in unfit}
    if conflicts(report := _output(check)):
        sys.exit(f"These packages do not fit together: run worker_image/lock.sh again.\n{report}")
    freed = strip(site_packages, stripped(options))
    freed += strip_old_apis(site_packages)
    if options.kind == CONTROL:
        shutil.copy(options.work / "airflow_local_settings.py", site_packages)
    compile_in_place(site_packages)
    if options.kind == CONTROL:
        schema = options.target / "share" / "schema.json"
        schema.parent.mkdir(exist_ok=True)
        _run([python, "-m", "airflow_fargate.control.schema", str(schema)])
    for statement in imported(options):
        _run([python, "-c", statement])
    _say(f"{len(base)} packages are the base's, {freed / 1e6:.0f} MB were stripped")


def stripped(options: argparse.Namespace) -> tuple[str, ...]:
    """Return what is deleted from an image, as globs below site-packages."""
    if options.kind == CONTROL:
        return STRIPPED
    return STRIPPED + STRIPPED_WORKER + (() if _is_airflow_2(options) else STRIPPED_WORKER_3)


def imported(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the statements that must succeed in an image."""
    if options.kind == CONTROL:
        return IMPORTED + IMPORTED_3 + IMPORTED_CONTROL
    return IMPORTED + (IMPORTED_2 if _is_airflow_2(options) else IMPORTED_3)


def _is_airflow_2(options: argparse.Namespace) -> bool:
    return bool(options.airflow_version.startswith("2."))


def without(lock: str, names: set[str]) -> str:
    """Return the text of a lock without the packages of these (normalised) names."""
    return "".join(text for name, text in _entries(lock) if name not in names)


def only(lock: str, names: set[str]) -> str:
    """Return the text of a lock with the packages of these (normalised) names alone."""
    return "".join(text for name, text in _entries(lock) if name in names)


def _entries(lock: str) -> list[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(==.*\n(?:[ \t].*\n)*)", lock, re.MULTILINE)
    return [(normalised(name), name + rest) for name, rest in found]


def conflicts(report: str) -> set[str]:
    """Return the packages whose version another one does not take, from the output of `pip check`.

    Missing packages are not conflicts: they were left out on purpose.
    """
    return {normalised(name) for name in re.findall(r"but you have (\S+) \S+\.$", report, re.MULTILINE)}


def normalised(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def strip(site_packages: Path, patterns: tuple[str, ...]) -> int:
    """Delete what matches these globs; returns the bytes freed."""
    freed = 0
    for path in [path for pattern in patterns for path in site_packages.glob(pattern)]:
        if KEPT.search(path.as_posix()) or not path.exists():
            continue
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        freed += sum(file.stat().st_size for file in files)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return freed


def strip_old_apis(site_packages: Path) -> int:
    """Delete all versions of each AWS API but the newest, which boto3 uses; returns the bytes freed."""
    freed = 0
    for service in (site_packages / "botocore" / "data").glob("*/"):
        for version in sorted(path for path in service.iterdir() if path.is_dir())[:-1]:
            freed += sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
            shutil.rmtree(version)
    return freed


def compile_in_place(tree: Path) -> None:
    """Byte-compile a tree; unchecked, so that the same sources give the same bytes in every build."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(tree, quiet=2, workers=os.cpu_count() or 1, invalidation_mode=mode)


def needed(tree: Path, names: set[str], patterns: tuple[str, ...]) -> list[Path]:
    """Return the sources of these packages that may be imported: what a plain base would get."""
    unneeded = {
        path for pattern in patterns for path in tree.glob(pattern) if not KEPT.search(path.as_posix())
    }
    found = [
        Path(str(dist.locate_file(file)))
        for dist in metadata.distributions(path=[str(tree)])
        if normalised(dist.metadata["Name"]) in names
        for file in dist.files or []
        if file.suffix == ".py"
    ]
    return [path for path in found if path.exists() and not unneeded.intersection((path, *path.parents))]


def compile_apart(sources: list[Path], into: Path) -> None:
    """Byte-compile sources of the base that have no byte code, into the same places below another root.

    Folders get the owner and the mode that they have in the base, which copying them over it would change.
    """
    for source in sources:
        target = into / Path(cache_from_source(str(source))).relative_to("/")
        if Path(cache_from_source(str(source))).exists():
            continue
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(target), quiet=2, invalidation_mode=mode)
    for folder in (path for path in into.rglob("*") if path.is_dir()):
        original = Path("/") / folder.relative_to(into)
        if original.exists():
            shutil.copymode(original, folder)
            shutil.chown(folder, original.stat().st_uid, original.stat().st_gid)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--airflow-version", required=True)
    parser.add_argument("--kind", choices=("worker", CONTROL), required=True, help="which image")
    parser.add_argument("--lock", type=Path, required=True, help="what to install, with hashes")
    parser.add_argument("--build-lock", type=Path, required=True, help="what builds the package")
    parser.add_argument("--package", type=Path, required=True, help="source of airflow-fargate")
    parser.add_argument("--target", type=Path, required=True, help="the environment to make")
    parser.add_argument("--work", type=Path, required=True, help="scratch folder")
    return parser.parse_args()


def _distributions_of_the_base() -> dict[str, str]:
    found = metadata.distributions()
    return {normalised(name): dist.version for dist in found if (name := dist.metadata["Name"])}


def _make_environment(path: Path, option: str) -> None:
    _run([sys.executable, "-m", "venv", option, str(path)])


def _site_packages(environment: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages"


def _run(command: list[str]) -> None:
    _say(" ".join(command))
    done = subprocess.run(command, check=False)  # noqa: S603  our own command
    if done.returncode:
        sys.exit(f"This failed with exit code {done.returncode}: {' '.join(command)}")


def _output(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout  # noqa: S603


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the build's log


if __name__ == "__main__":
    main()
