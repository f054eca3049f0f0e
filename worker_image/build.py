"""Builds the worker image or the control image with BuildKit.

Usage: python3 worker_image/build.py [NAME=VALUE...], the names being

    KIND             worker (the default), which runs tasks, or control, which runs Airflow's own components
    BASE_IMAGE       the official slim Airflow image (the default), or any image with python3 and venv
    IMAGE            name and tag of the result; by default airflow-fargate-KIND:VERSION-airflowVERSION
    AIRFLOW_VERSION  one that worker_image/requirements has a lock for; by default 3.3.2
    EXTRA            folder with a Dockerfile of yours that adds packages or DAGs to the image (its argument
                     WORKER_IMAGE); give both images the same
    PLATFORM         linux/amd64, linux/arm64 or both with a comma; by default the machine's own
    COMPRESSION      of the layers: gzip (the default) or zstd
    NETWORK          network of the build's steps; "host" helps where the engine's bridge has no way out

push.py builds an image for two platforms or with zstd layers: an engine cannot hold one, so buildx builds it
directly into the registry.

Values come from the arguments or the environment. The machine's certificates (PIP_CERT, SSL_CERT_FILE) and
pip's index settings (PIP_INDEX_URL and similar ones) reach pip as build secrets: no layer, label or history
holds them. Uses the standard library only.
"""

# ruff: noqa: INP001, S603, T201  a script that runs programs and prints

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (
    *("KIND", "BASE_IMAGE", "IMAGE", "AIRFLOW_VERSION", "EXTRA"),
    *("PLATFORM", "COMPRESSION", "NETWORK"),
)
KINDS = ("worker", "control")
PLATFORMS = ("linux/amd64", "linux/arm64")
DEFAULT_AIRFLOW = "3.3.2"
INPUTS_LABEL = "airflow-fargate.inputs"
"""Label with a digest of all that was given to the build."""
INPUTS = (
    *("worker_image/Dockerfile", "worker_image/install.py", "worker_image/requirements/*.txt"),
    *("worker_image/control/*.py", "worker_image/control/*.pem"),
    *("executor/pyproject.toml", "executor/README.md"),
    *("executor/src/**/*.py", "executor/src/**/*.html", "executor/src/**/py.typed"),
)
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
INDEX_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


class BuildError(Exception):
    """The image cannot be built; the text says why and what to do."""


def main() -> int:
    """Build; returns an exit code."""
    try:
        settings = read_settings(sys.argv[1:], SETTINGS)
        if needs_registry(settings):
            _say("make push builds it: an engine cannot hold an image for two platforms or with zstd layers")
            return 0
        _say(f"built {build(settings)}")
    except BuildError as error:
        _say(f"build: {error}")
        return 1
    return 0


def read_settings(arguments: list[str], known: tuple[str, ...]) -> dict[str, str]:
    """Return the settings from NAME=VALUE arguments, else the environment's; empty ones are absent."""
    settings = {name: os.environ[name] for name in known if os.environ.get(name)}
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator or name not in known:
            raise BuildError(f"{argument!r} is not a setting: give {', '.join(known)} as NAME=VALUE.")
        if value:
            settings[name] = value
    return settings


def needs_registry(settings: dict[str, str]) -> bool:
    """Return whether only a registry can hold the image.

    Raises:
        BuildError: the compression is neither gzip nor zstd.
    """
    compression = settings.get("COMPRESSION", "gzip")
    if compression not in ("gzip", "zstd"):
        raise BuildError(f"COMPRESSION must be gzip or zstd, got {compression!r}.")
    return compression == "zstd" or "," in settings.get("PLATFORM", "")


def build(settings: dict[str, str], *, push: bool = False) -> str:
    """Build the image and return its name; with ``push``, build into the registry and return the digest."""
    check(settings)
    image = settings.get("IMAGE") or default_image(settings)
    arguments = build_arguments(settings)
    extra = extra_folder(settings)
    if push and extra:
        raise BuildError("EXTRA adds to an image that the engine has: build for one PLATFORM, with gzip.")
    engine = find_engine()
    with tempfile.TemporaryDirectory(prefix="worker-image-") as scratch:
        metadata = Path(scratch) / "metadata.json"
        # What EXTRA adds to has a name of its own, so that it is not added to twice.
        name = f"{default_image(settings)}-base" if extra else image
        command = pushing(engine, settings, image, metadata) if push else [*engine, "--tag", name]
        command += ["--file", str(ROOT / "worker_image/Dockerfile"), "--target", kind(settings)]
        common = ["--label", f"{INPUTS_LABEL}={inputs(settings)}"]
        for option, setting in (("--platform", "PLATFORM"), ("--network", "NETWORK")):
            if setting in settings:
                common += [option, settings[setting]]
        for secret, path in secrets(Path(scratch)).items():
            common += ["--secret", f"id={secret},src={path}"]
        for argument, value in arguments.items():
            command += ["--build-arg", f"{argument}={value}"]
        _say(f"building {name} on {arguments.get('BASE_IMAGE', 'the official slim Airflow image')}")
        _run([*command, *common, str(ROOT)])
        if extra:
            _say(f"building {image} of it with {extra}")
            _run([*engine, "--tag", image, "--build-arg", f"WORKER_IMAGE={name}", *common, str(extra)])
        return str(json.loads(metadata.read_text())["containerimage.digest"]) if push else image


def kind(settings: dict[str, str]) -> str:
    """Return which image is meant.

    Raises:
        BuildError: it is none that there is.
    """
    found = settings.get("KIND", "worker")
    if found not in KINDS:
        raise BuildError(f"KIND must be {' or '.join(KINDS)}, got {found!r}.")
    return found


def check(settings: dict[str, str]) -> None:
    """Check settings without an engine.

    Raises:
        BuildError: one of them cannot work.
    """
    build_arguments(settings)
    extra_folder(settings)
    needs_registry(settings)
    for platform in filter(None, settings.get("PLATFORM", "").split(",")):
        if platform not in PLATFORMS:
            raise BuildError(f"PLATFORM must be {', '.join(PLATFORMS)} or both, got {platform!r}.")


def extra_folder(settings: dict[str, str]) -> Path | None:
    """Return the folder of EXTRA, if there is one.

    Raises:
        BuildError: it has no Dockerfile.
    """
    if not settings.get("EXTRA"):
        return None
    folder = Path(settings["EXTRA"])
    if not (folder / "Dockerfile").is_file():
        raise BuildError(
            f"EXTRA={folder} has no Dockerfile: copy one from worker_image/examples and change it."
        )
    return folder.resolve()


def build_arguments(settings: dict[str, str]) -> dict[str, str]:
    """Return the Dockerfile's arguments."""
    which = kind(settings)
    airflow = settings.get("AIRFLOW_VERSION", DEFAULT_AIRFLOW)
    if which == "control" and airflow not in releases(which) and airflow in releases():
        raise BuildError(
            "the control image needs Airflow 3.2.2 or later, which lets it fetch the database's password for "
            f"each connection; got {airflow}."
        )
    if airflow not in releases(which):
        raise BuildError(
            f"there is no lock for Airflow {airflow}, only for {', '.join(releases(which))}: "
            "see worker_image/lock.sh."
        )
    arguments = {"KIND": which, "AIRFLOW_VERSION": airflow, "PACKAGE_VERSION": package_version()}
    if base := settings.get("BASE_IMAGE"):
        arguments["BASE_IMAGE"] = base
    elif airflow != DEFAULT_AIRFLOW:
        arguments["BASE_IMAGE"] = f"apache/airflow:slim-{airflow}-python3.12"
    return arguments


def releases(which: str = "worker") -> list[str]:
    """Return the Airflow releases that have a lock of this image, the oldest first."""
    locks = (ROOT / "worker_image/requirements").glob(f"{which}-*.txt")
    found = [path.stem.partition("-")[2] for path in locks]
    return sorted(found, key=lambda release: [int(number) for number in re.findall(r"\d+", release)])


def pushing(engine: list[str], settings: dict[str, str], image: str, metadata: Path) -> list[str]:
    """Return the command that builds an image into the registry, without the options of every build.

    Raises:
        BuildError: the engine has no buildx.
    """
    if "buildx" not in engine:
        raise BuildError("two platforms or zstd layers need docker's buildx plugin: install it.")
    # The base's layers are compressed again as well; only OCI's media types know zstd.
    kind = ("compression=zstd", "force-compression=true", "oci-mediatypes=true")
    zstd = kind if settings.get("COMPRESSION") == "zstd" else ()
    insecure = ("registry.insecure=true",) if image.startswith(("127.0.0.1:", "localhost:")) else ()
    output = ",".join(["type=image", f"name={image}", "push=true", *zstd, *insecure])
    # Without the attestation, which contains the time and would give the same image a new digest each time.
    command = [word for word in engine if word != "--load"]
    return [*command, "--output", output, "--provenance=false", "--metadata-file", str(metadata)]


def inputs(settings: dict[str, str]) -> str:
    """Return a digest of the image's files and arguments; the base counts by its name."""
    digest = hashlib.sha256()
    chosen = {name: settings.get(name, "") for name in ("PLATFORM", "COMPRESSION")}
    digest.update(json.dumps([build_arguments(settings), chosen], sort_keys=True).encode())
    extra = extra_folder(settings)
    added = [path for path in extra.rglob("*") if path.is_file()] if extra else []
    for folder, paths in ((ROOT, {path for name in INPUTS for path in ROOT.glob(name)}), (extra, added)):
        for path in sorted(paths):
            digest.update(f"\n{path.relative_to(folder or ROOT)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def default_image(settings: dict[str, str]) -> str:
    """Return the name of an image if none is given."""
    airflow = settings.get("AIRFLOW_VERSION", DEFAULT_AIRFLOW)
    return f"airflow-fargate-{kind(settings)}:{package_version()}-airflow{airflow}"


def package_version() -> str:
    """Return the version of the package airflow-fargate."""
    text = (ROOT / "executor/src/airflow_fargate/__init__.py").read_text()
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise BuildError("executor/src/airflow_fargate/__init__.py has no __version__: restore the file.")
    return match[1]


def find_engine() -> list[str]:
    """Return the command that builds with BuildKit: the first docker on PATH that can.

    A CLI of release 23 or later leaves BuildKit to the buildx plugin; an older one has it built in.
    """
    clients = [client for folder in os.get_exec_path() if (client := shutil.which("docker", path=folder))]
    if not clients:
        raise BuildError("there is no docker command: install Docker (Debian: apt-get install docker.io).")
    for client in dict.fromkeys(clients):
        if _succeeds(client, "buildx", "version"):
            return [client, "buildx", "build", "--load"]
        release = re.search(r"version (\d+)", _output(client, "--version"))
        if release and int(release[1]) < 23:  # noqa: PLR2004  see above
            if not _output(client, "version", "--format", "{{.Server.Version}}"):
                raise BuildError("no container engine answers: start it, or set DOCKER_HOST to its address.")
            return [client, "build"]
    raise BuildError("the docker command has no BuildKit: install its buildx plugin, or Debian's docker.io.")


def secrets(scratch: Path) -> dict[str, Path]:
    """Return the build's secrets by name: the certificates and pip settings that this machine needs."""
    found = {}
    bundle = next(
        (path for name in CERTIFICATES if (path := os.environ.get(name)) and Path(path).is_file()), None
    )
    if bundle:
        found["ca_bundle"] = Path(bundle)
    lines = [f"{name} = {value}" for name in INDEX_SETTINGS if (value := pip_setting(name))]
    if lines:
        config = scratch / "pip.conf"
        config.write_text("\n".join(["[global]", *lines, ""]))
        found["pip_config"] = config
    return found


def pip_setting(name: str) -> str:
    """Return a setting of this machine's pip without its folders, which the build cannot see."""
    value = os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
    if value is None:
        value = _output(sys.executable, "-m", "pip", "config", "get", f"global.{name}")
    return " ".join(word for word in value.split() if not word.startswith(("file:", "/")))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env={**os.environ, "DOCKER_BUILDKIT": "1"}, check=False)
    if done.returncode:
        raise BuildError(
            f"the engine's build failed with exit code {done.returncode}: its lines above say at which step."
        )


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
