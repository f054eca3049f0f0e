"""Images of a shell and a few programs of this machine: no registry, no download, made in a second."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.containers.docker_host import DockerHost

IMAGE = "airflow-fargate-contract:4"
TALKING_IMAGE = "airflow-fargate-contract-talking:1"
PROGRAMS = (
    "bash",
    "cat",
    "env",
    "false",
    "head",
    "id",
    "ls",
    "nproc",
    "printf",
    "seq",
    "sleep",
    "stat",
    "touch",
)
PERL_FILES = 'print join "\\n", values %INC, @DynaLoader::dl_shared_objects'
OWNER = 50_000
PASSWD = f"root:x:0:0:root:/:/bin/bash\nworker:x:{OWNER}:0:worker:/:/bin/bash\n"
# (path, owner, mode); /opt/owned is declared as VOLUME below, /opt/plain is not
FOLDERS = (("tmp", 0, 0o1777), ("etc", 0, 0o755), ("opt/owned", OWNER, 0o775), ("opt/plain", OWNER, 0o775))


class NotHere(Exception):  # noqa: N818 - named for what is the case
    """This machine's programs cannot be put into an image (no ldd, another system)."""


def make_tiny_image(host: DockerHost) -> str:
    """Import the image unless the engine has it; returns its name. Raises NotHere."""
    return _make(host, IMAGE, lambda: {f"bin/{name}": _program(name) for name in PROGRAMS})


def make_talking_image(host: DockerHost, psql: Path) -> str:
    """As make_tiny_image, with getent, a perl that has sockets, and psql."""

    def files() -> dict[str, Path]:
        listing = subprocess.run(
            ["perl", "-MSocket", "-e", PERL_FILES], capture_output=True, text=True, check=True
        ).stdout
        return {
            **{f"bin/{name}": _program(name) for name in (*PROGRAMS, "getent", "perl", "rm")},
            "bin/psql": psql,
            **{path.lstrip("/"): Path(path) for path in listing.split()},
        }

    return _make(host, TALKING_IMAGE, files)


def _make(host: DockerHost, reference: str, choose: Callable[[], dict[str, Path]]) -> str:
    if not host.api.images(name=reference):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            _fill(tar, choose())
        name, tag = reference.split(":")
        changes = [
            "ENV PATH=/bin",
            'VOLUME ["/opt/owned"]',
            'CMD ["bash", "-c", "echo the command of the image"]',
        ]
        host.api.import_image_from_data(archive.getvalue(), repository=name, tag=tag, changes=changes)
    return reference


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise NotHere(f"{name} is not on this machine")
    return Path(found)


def _fill(tar: tarfile.TarFile, chosen: dict[str, Path]) -> None:
    libraries = {library for path in chosen.values() for library in _libraries(str(path))}
    files = {**chosen, **{library.lstrip("/"): Path(library) for library in libraries}}
    folders = {parent.as_posix() for name in files for parent in Path(name).parents if parent != Path()}
    for folder in sorted(folders):
        _add(tar, tarfile.TarInfo(folder), kind=tarfile.DIRTYPE, mode=0o755)
    for folder, owner, mode in FOLDERS:
        member = tarfile.TarInfo(folder)
        member.uid = owner
        _add(tar, member, kind=tarfile.DIRTYPE, mode=mode)
    for name, path in files.items():
        _add(tar, tarfile.TarInfo(name), path.read_bytes(), mode=0o755)
    _add(tar, tarfile.TarInfo("etc/passwd"), PASSWD.encode(), mode=0o644)
    owned = tarfile.TarInfo("opt/owned/from-the-image")
    owned.uid = OWNER
    _add(tar, owned, b"yes\n", mode=0o644)
    shell = tarfile.TarInfo("bin/sh")
    shell.type, shell.linkname = tarfile.SYMTYPE, "bash"
    tar.addfile(shell)


def _add(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    data: bytes = b"",
    *,
    mode: int,
    kind: bytes = tarfile.REGTYPE,
) -> None:
    member.type, member.mode, member.size = kind, mode, len(data)
    tar.addfile(member, io.BytesIO(data))


def _libraries(program: str) -> list[str]:
    ldd = shutil.which("ldd")
    if ldd is None:
        raise NotHere("there is no ldd on this machine")
    listing = subprocess.run([ldd, program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", listing)
