"""A scheduler process of a benchmark: Airflow's own runner, started, controlled through stdin, and ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.cloud import Cloud
    from benchmarks.metadata import Database

START_SECONDS = 180.0
END_SECONDS = 300.0
"""How long a scheduler may take to end: one heartbeat of the peer can take minutes."""
POLL_SECONDS = 0.2


class SchedulerProcess:
    """One running scheduler.

    Args:
        folder: for its files.
        name: of its files.
        environment: of the process.
        slots: whether it notes when slots become free.
        python: the interpreter that has its executor.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        environment: dict[str, str],
        *,
        slots: bool = False,
        python: str = sys.executable,
    ) -> None:
        self._record = folder / f"{name}.record"
        self._errors = folder / f"{name}.err"
        with self._errors.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.runner"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                text=True,
                cwd=folder,
                env=environment,
            )
        self.say(json.dumps({"record": str(self._record), "slots": slots}))

    def say(self, line: str) -> None:
        """Write a line to its stdin; ``benchmarks.runner`` lists them."""
        if self._process.stdin and self._process.poll() is None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def wait_until_up(self) -> int:
        """Return its job's id once it has adopted and idles.

        Raises:
            RuntimeError: it ended or took longer than ``START_SECONDS``.
        """
        ready, until = self._record.with_suffix(".record.ready"), time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"A scheduler did not start: {self._tail()}")
            time.sleep(0.02)
        return int(ready.read_text(encoding="utf-8"))

    def pause(self, seconds: float) -> None:
        """Stop the process with SIGSTOP for some seconds."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def finish(self, how: str) -> dict[str, Any]:
        """Make it ``stop`` or ``drain``, and return its record.

        Raises:
            RuntimeError: it did not end, or ended with an error.
        """
        self.say(how)
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"A scheduler did not end within {END_SECONDS:.0f} s.") from None
        if code or not self._record.exists():
            raise RuntimeError(f"A scheduler ended with exit code {code}: {self._tail()}")
        record: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        return record

    def _tail(self) -> str:
        return self._errors.read_text(encoding="utf-8")[-2000:]


class Arrivals(threading.Thread):
    """Makes tasks due as time passes.

    Args:
        database: holds the tasks.
        arrivals: ``[seconds from the start, how many]``.
        first: the number of the first task.
    """

    def __init__(self, database: Database, arrivals: list[list[float]], first: int) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._arrivals = arrivals
        self._first = first
        self._given_up = threading.Event()
        self.started = 0.0

    def run(self) -> None:
        """Make each batch due at its time."""
        self.started, number = time.time(), self._first
        for at, count in self._arrivals:
            if self._given_up.wait(max(0.0, self.started + at - time.time())):
                return
            self._database.make_due(range(number, number + int(count)))
            number += int(count)

    def give_up(self) -> None:
        """Make no more tasks due."""
        self._given_up.set()


def wait_for(what: str, tasks: int, database: Database, cloud: Cloud, seconds: float) -> None:
    """Return when something has happened, or after so many seconds.

    Args:
        what: ``launched`` (that many containers were launched), ``finished`` (every task that became due has
            ended) or ``time``.
        tasks: how many there are.
        database: holds the tasks.
        cloud: runs their containers.
        seconds: the longest wait.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what == "launched" and cloud.count() >= tasks:
            return
        if what == "finished" and len(database.states()) >= tasks and not database.unsettled():
            return
        time.sleep(POLL_SECONDS)


def wait_for_queued(database: Database, tasks: int, seconds: float) -> None:
    """Return when Airflow has queued so many tasks, or after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if list(database.states().values()).count("queued") >= tasks:
            return
        time.sleep(POLL_SECONDS)
