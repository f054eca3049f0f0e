"""Where PostgreSQL's programs are, and as whom they run: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = Path("/usr/lib/postgresql")  # Debian's and Ubuntu's place, a folder for each major version


class ProgramFailed(Exception):  # noqa: N818  named for what happened
    """A program ended with an error; the message has its last lines."""


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs: their folder, and the account they run as."""

    folder: Path
    account: str

    def command(self, name: str, *arguments: str, end_with_parent: bool = False) -> list[str]:
        """The words that run a program.

        end_with_parent: send it SIGINT when the thread that started it ends.
        """
        options = [f"--reuid={self.account}", f"--regid={self._group}", "--clear-groups"]
        if end_with_parent:
            options.append("--pdeathsig=INT")
        return ["setpriv", *options, str(self.folder / name), *arguments]

    def run(self, name: str, *arguments: str, given: str = "", timeout: float = 60) -> str:
        """Run a program to its end with `given` as its input; returns what it prints."""
        done = subprocess.run(
            self.command(name, *arguments),
            input=given,
            env=environment(),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            timeout=timeout,
        )
        if done.returncode:
            last = " ".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            raise ProgramFailed(f"{name} exited with {done.returncode}: {last}")
        return done.stdout

    def own(self, path: Path) -> None:
        """Give a file or folder to the account."""
        shutil.chown(path, self.account, self._group)

    @property
    def _group(self) -> int:
        return pwd.getpwnam(self.account).pw_gid


def find_programs(versions: Path = VERSIONS) -> Programs | None:
    """The newest PostgreSQL of this machine; None if there is none, or if we are not root."""
    debian = sorted(versions.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return Programs(Path(found).resolve().parent, "postgres" if "postgres" in names else "nobody")


def environment() -> Mapping[str, str]:
    """What PostgreSQL's programs see: nothing of ours that would lead psql elsewhere."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
