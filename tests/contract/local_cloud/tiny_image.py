"""An image of a shell and a few programs of this machine: no registry, no download, made in a second."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.containers.docker_host import DockerHost

IMAGE = "airflow-fargate-contract:4"
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
OWNER = 50_000
PASSWD = f"root:x:0:0:root:/:/bin/bash\nworker:x:{OWNER}:0:worker:/:/bin/bash\n"
# (path, owner, mode); /opt/owned is declared as VOLUME below, /opt/plain is not
FOLDERS = (("tmp", 0, 0o1777), ("etc", 0, 0o755), ("opt/owned", OWNER, 0o775), ("opt/plain", OWNER, 0o775))


class NotHere(Exception):  # noqa: N818 - named for what is the case
    """This machine's programs cannot be put into an image (no ldd, another system)."""


def make_tiny_image(host: DockerHost) -> str:
    """Import the image unless the engine has it; returns its name. Raises NotHere."""
    if not host.api.images(name=IMAGE):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            _fill(tar)
        name, tag = IMAGE.split(":")
        changes = [
            "ENV PATH=/bin",
            'VOLUME ["/opt/owned"]',
            'CMD ["bash", "-c", "echo the command of the image"]',
        ]
        host.api.import_image_from_data(archive.getvalue(), repository=name, tag=tag, changes=changes)
    return IMAGE


def _fill(tar: tarfile.TarFile) -> None:
    files: dict[str, Path] = {}
    for program in PROGRAMS:
        found = shutil.which(program)
        if found is None:
            raise NotHere(f"{program} is not on this machine")
        files[f"bin/{program}"] = Path(found)
        for library in _libraries(found):
            files[library.lstrip("/")] = Path(library)
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
