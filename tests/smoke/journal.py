"""A journal on disk of everything that runs, and how to undo it.

Each process, bridge, rule, setting and folder is added when it is created. Entries are undone in reverse
order by the same run, by ``make smoke-down``, or by the next run if this one was killed. So the clean-up
never depends on the process that created something.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke import process_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Entry = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """A sentence about something that could not be undone."""

    sentence: str


def _undo_process(entry: Entry) -> None:
    """Stop the process and its session, with SIGKILL after its grace period (seconds)."""
    pid, started = int(entry["pid"]), float(entry["started"])
    if process_table.is_same(pid, started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, int(entry["signal"]))
        deadline = time.monotonic() + float(entry["grace"])
        while process_table.is_running(pid, started) and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(0.05)
    for member in process_table.session_members(pid, started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process_table.session_members(pid, started) and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.05)


def _reap(pid: int) -> None:
    """Reap the process if it is our child, so that it does not stay a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _undo_command(entry: Entry) -> None:
    """Run the undo command; raise if it fails, unless the entry allows that."""
    done = subprocess.run(
        entry["command"], capture_output=True, text=True, check=False, timeout=60, env=entry.get("env")
    )
    if done.returncode and not entry.get("may_fail"):
        raise OSError(f"`{' '.join(entry['command'])}` failed: {done.stderr.strip()}")


def _undo_folder(entry: Entry) -> None:
    """Remove a folder and its contents."""
    shutil.rmtree(entry["path"], ignore_errors=True)


def _undo_file(entry: Entry) -> None:
    """Restore a file's text, such as a kernel setting; remove a file that did not exist before."""
    if entry["text"] is None:
        Path(entry["path"]).unlink(missing_ok=True)
    else:
        Path(entry["path"]).write_text(entry["text"], encoding="utf-8")


def _undo_nothing(_entry: Entry) -> None:
    """Do nothing: this entry is for the check at the end."""


_UNDO: dict[str, Callable[[Entry], None]] = {
    "port": _undo_nothing,
    "mark": _undo_nothing,
    "kept": _undo_nothing,
    "process": _undo_process,
    "command": _undo_command,
    "folder": _undo_folder,
    "file": _undo_file,
}


class Journal:
    """The list of what runs; safe to use from several threads.

    Args:
        path: the file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[Entry] = self._read()

    def _read(self) -> list[Entry]:
        if not self._path.is_file():
            return []
        entries = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            # If the last line is incomplete, its thing does not exist yet, because the line is written first.
            with contextlib.suppress(json.JSONDecodeError):
                entries.append(json.loads(line))
        return entries

    def _write(self) -> None:
        if not self._entries:
            self._path.unlink(missing_ok=True)
            return
        scratch = self._path.with_suffix(".new")
        scratch.write_text("".join(json.dumps(entry) + "\n" for entry in self._entries), encoding="utf-8")
        scratch.replace(self._path)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries))

    def add(self, kind: str, name: str, **how: Any) -> Entry:
        """Add an entry; ``how`` is what undoing this kind needs."""
        entry = {"kind": kind, "name": name, **how}
        with self._lock:
            self._entries.append(entry)
            self._write()
        return entry

    def add_process(self, name: str, pid: int, stop_signal: int = signal.SIGTERM, grace: float = 20) -> Entry:
        """Add a process that leads its own session; ``grace`` is in seconds."""
        started = process_table.started_at(pid)
        return self.add("process", name, pid=pid, started=started, signal=int(stop_signal), grace=grace)

    def forget(self, entry: Entry) -> None:
        """Remove an entry that ended by itself or was undone elsewhere."""
        with self._lock:
            if entry in self._entries:
                self._entries.remove(entry)
                self._write()

    def undo(self, entry: Entry) -> Problem | None:
        """Undo one entry and remove it, even if undoing failed."""
        try:
            _UNDO[entry["kind"]](entry)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Problem(f"{entry['name']} could not be undone: {error}.")
        finally:
            self.forget(entry)
        return None

    def undo_all(self, tell: Callable[[str], None]) -> list[Problem]:
        """Undo everything in reverse order; return the problems."""
        problems = []
        for entry in reversed(list(self)):
            tell(entry["name"])
            problem = self.undo(entry)
            if problem is not None:
                problems.append(problem)
        return problems
