"""Starts a run, takes it down, and checks that nothing is left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from smoke import bridge, process_table
from smoke.failure import SmokeError
from smoke.journal import Journal
from smoke.processes import Programs
from smoke.progress import Progress
from smoke.settings import port_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from smoke.settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Session:
    """One run's tools.

    Args:
        settings: the user's choices.
        journal: lists what runs.
        programs: starts programs.
        progress: prints lines.
        stop: set by signals and failures.
        interrupted: whether a signal came.
        ports: the ports that this run listens on.
    """

    settings: Settings
    journal: Journal
    programs: Programs
    progress: Progress
    stop: threading.Event
    ports: dict[str, int]
    interrupted: bool = False

    def note_port(self, name: str, host: str = "127.0.0.1") -> int:
        """Choose a port, and add it to the journal for the check at the end."""
        port = self.settings.port(name, host)
        self.ports[name] = port
        self.journal.add("port", f"port {port}", port=port)
        return port

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: the first one ends the run; later ones change nothing."""
        if self.interrupted:
            self.progress.line("Still cleaning up; this takes a few seconds.")
            return
        self.interrupted = True
        self.progress.line(f"{signal.Signals(number).name}: stopping and cleaning up.")
        self.stop.set()


@contextlib.contextmanager
def machine_lock(settings: Settings) -> Iterator[None]:
    """Hold the lock that prevents two smokes of one user, in any clone.

    Raises:
        SmokeError: another smoke holds it.
    """
    settings.cache.mkdir(parents=True, exist_ok=True)
    path = settings.cache / "lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise SmokeError(
                f"Another smoke is running ({file.read().strip()}): wait for it, or stop it."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()}, in {settings.state.parent}")
        file.flush()
        # Children do not inherit it (PEP 446), so it is released when this process ends in any way.
        yield


def _living(journal: Journal) -> list[str]:
    return [
        entry["name"]
        for entry in journal
        if entry["kind"] == "process" and process_table.is_running(entry["pid"], entry["started"])
    ]


def open_session(settings: Settings, out: TextIO) -> Session:
    """Prepare a run: clean up after a killed one, and empty the state folder.

    The caller holds the machine's lock.

    Raises:
        SmokeError: a kept run is still up.
    """
    journal = Journal(settings.cache / "up.jsonl")
    progress = Progress(out, time.monotonic, terminal=out.isatty() and "CI" not in os.environ)
    if any(entry["kind"] == "kept" for entry in journal) and _living(journal):
        raise SmokeError("A smoke is still running (KEEP=1): take it down with `make smoke-down` first.")
    if len(journal):
        progress.line("Cleaning up after a run that was killed.")
        take_down(journal, progress)
    shutil.rmtree(settings.state, ignore_errors=True)
    settings.logs.mkdir(parents=True)
    mark = uuid.uuid4().hex
    journal.add("mark", "strays", mark=mark)
    stop = threading.Event()
    programs = Programs(journal, settings.logs, {process_table.MARK: mark}, stop)
    session = Session(settings, journal, programs, progress, stop, {})
    for number in SIGNALS:
        signal.signal(number, session.on_signal)
    return session


def take_down(journal: Journal, progress: Progress) -> list[str]:
    """Undo the whole journal, and return a sentence about each thing that is left."""
    ports = [entry["port"] for entry in journal if entry["kind"] == "port"]
    marks = [entry["mark"] for entry in journal if entry["kind"] == "mark"]
    had_bridge = any(entry["name"] == f"bridge {bridge.NAME}" for entry in journal)
    if any(entry["kind"] not in {"port", "mark", "kept"} for entry in journal):
        progress.begin("clean up")
        problems = [one.sentence for one in journal.undo_all(lambda name: progress.tick())]
        progress.end("clean up")
    else:
        problems = [one.sentence for one in journal.undo_all(lambda name: None)]
    if had_bridge:
        try:
            bridge.drop_rules()  # those of a local cloud that was killed before it removed them
        except SmokeError as error:
            problems.append(error.sentence)
    for mark in marks:
        for pid, line in process_table.marked(mark).items():
            problems.append(f"Process {pid} was still running and was killed: {line[:120]}.")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    problems += [f"Port {port} is still in use." for port in ports if port_in_use(port)]
    problems += [f"Left behind: {name}." for name in bridge.remains()]
    return problems


def keep(session: Session) -> None:
    """Leave everything running, and note in the journal that this is intended."""
    session.journal.add("kept", "kept on purpose")


def print_failure(error: SmokeError, out: TextIO = sys.stderr) -> None:
    """Print the sentence, and the last lines of the program that failed."""
    print(f"error: {error.sentence}", file=out)
    if error.tail:
        print(error.tail, file=out)
    out.flush()
