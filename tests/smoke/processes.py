"""Runs programs to their end, or starts and watches them. All of them have a log file and a journal entry."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from smoke.journal import Entry, Journal

TAIL_LINES = 15


def last_lines(path: Path, count: int = TAIL_LINES) -> str:
    """Return the end of a log file, indented; empty if there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in lines[-count:])


@dataclass
class Service:
    """A program that must run until it is stopped."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    entry: Entry


@dataclass
class Programs:
    """Starts programs for one run.

    Args:
        journal: gets an entry for every program.
        logs: folder of the log files.
        mark: environment of every program, by which leftover processes are found.
        stop: set when the run is over; running commands then end with :class:`StoppedError`.
    """

    journal: Journal
    logs: Path
    mark: Mapping[str, str]
    stop: threading.Event
    services: list[Service] = field(default_factory=list)

    def _open(
        self, command: Sequence[str], log: Path, env: Mapping[str, str] | None, cwd: Path | None
    ) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            output.write(f"$ {' '.join(command)[:400]}\n".encode())
            output.flush()
            try:
                return subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env={**(os.environ if env is None else env), **self.mark},
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise SmokeError(f"There is no {command[0]}: {error}.") from None

    def run(  # noqa: PLR0913  # each is one property of a command
        self,
        command: Sequence[str],
        log: str,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 600,
        give_up: Callable[[], str] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> int:
        """Run to the end and return the exit code.

        Args:
            command: program and arguments.
            log: name of the log file, without its suffix.
            env: the whole environment; by default that of this process.
            cwd: folder to run in.
            timeout: seconds.
            give_up: called now and then; a sentence ends the command and becomes the error.
            ok: exit codes that are not failures.

        Raises:
            SmokeError: it failed, took too long, or was given up; with its last lines.
            StoppedError: the run is over.
        """
        path = self.logs / f"{log}.log"
        process = self._open(command, path, env, cwd)
        entry = self.journal.add_process(f"command {command[0]}", process.pid, signal.SIGKILL, 5)
        try:
            code = self._wait(process, command, path, timeout, give_up)
        except BaseException:
            self.journal.undo(entry)
            raise
        self.journal.forget(entry)
        if code not in ok:
            raise SmokeError(
                f"`{_short(command)}` failed with exit code {code}: see {path}.", last_lines(path)
            )
        return code

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        command: Sequence[str],
        log: Path,
        timeout: float,
        give_up: Callable[[], str] | None,
    ) -> int:
        """Return the exit code, or raise if there is a reason to stop waiting."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=0.2)
            if self.stop.is_set():
                raise StoppedError("stopped")
            reason = give_up() if give_up is not None else ""
            if not reason and time.monotonic() > deadline:
                reason = f"`{_short(command)}` did not end within {timeout:.0f} s: see {log}."
            if reason:
                raise SmokeError(reason, last_lines(log))

    def start(  # noqa: PLR0913  # each is one property of a service
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        grace: float = 20,
    ) -> Service:
        """Start a service; it is killed ``grace`` seconds after ``stop_signal``."""
        log = self.logs / f"{name.replace(' ', '-')}.log"
        process = self._open(command, log, env, cwd)
        entry = self.journal.add_process(name, process.pid, stop_signal, grace)
        service = Service(name, process, log, entry)
        self.services.append(service)
        return service

    def wait_until(self, service: Service, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until ``ready()``; raise :class:`SmokeError` if it dies first or takes too long (s)."""
        deadline = time.monotonic() + timeout
        while not ready():
            self.check()
            if self.stop.wait(0.1):
                raise StoppedError("stopped")
            if time.monotonic() > deadline:
                raise SmokeError(
                    f"{service.name} was not ready after {timeout:.0f} s: see {service.log}.",
                    last_lines(service.log),
                )

    def check(self) -> None:
        """Raise :class:`SmokeError` if a service died, with its last lines."""
        for service in list(self.services):
            code = service.process.poll()
            # It may have been ended on purpose since the list was copied.
            if code is not None and service in self.services:
                raise SmokeError(
                    f"{service.name} died with exit code {code} while it was needed: see {service.log}.",
                    last_lines(service.log),
                )

    def kill(self, service: Service) -> None:
        """Kill one service and its children with SIGKILL, as when its host fails."""
        self.services.remove(service)
        service.process.kill()
        problem = self.journal.undo(service.entry)
        if problem is not None:
            raise SmokeError(problem.sentence)

    def end(self, service: Service) -> None:
        """Stop one service before the others."""
        if service in self.services:
            self.services.remove(service)
        problem = self.journal.undo(service.entry)
        if problem is not None:
            raise SmokeError(problem.sentence)


def _short(command: Sequence[str]) -> str:
    """Return the beginning of a command for people."""
    words = [Path(command[0]).name, *command[1:]]
    text = " ".join(words[:4])
    return text if len(words) <= 4 and len(text) < 80 else text[:76] + " ..."
