"""SIGTERM while a workload runs: the task is told, then ended in time for Airflow to record it.

ECS sends SIGTERM for StopTask and for a Spot interruption, and SIGKILL `stopTimeout` seconds later.
Airflow's own handling only calls the operator's `on_kill`; unless that ends the task, it runs on until
SIGKILL takes the supervisor too, and nobody records anything. Here a thread waits for the signal:

1. The task's process gets STOP_SIGNAL. Its handler calls what Airflow installed for SIGTERM (`on_kill`),
   then raises TaskStopped in the task's main thread: `finally` blocks run, Airflow records the failure or
   the retry and calls its callbacks. A task that goes on in spite of it is told again, twice.
2. Whatever has not ended by the limit is killed. Airflow's supervisor lives on, records and uploads the log.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

WATCHED = (signal.SIGTERM, signal.SIGINT)
STOP_SIGNAL = signal.SIGRTMIN + 12
"""A real-time signal, since user code and its libraries have their own uses for SIGUSR1 and SIGUSR2."""
TIMES_TOLD = 3
"""An exception can be lost: swallowed by a bare `except`, or raised where Python ignores exceptions."""


class TaskStopped(BaseException):
    """The container is being stopped. Not an Exception, lest a task's `except Exception` swallow it."""


class TaskStop:
    """Watches for SIGTERM and SIGINT from construction on; create it in the main thread, before any other.

    Args:
        limit: Seconds a task gets to end by itself once it has been told.
        say: Takes one line for the container's log.
        leave: Ends this process at once; called when a signal comes before there is a task.
    """

    def __init__(self, *, limit: float, say: Callable[[str], None], leave: Callable[[], None]) -> None:
        self._limit = limit
        self._say = say
        self._leave = leave
        self._lock = threading.Lock()
        self._task: int | None = None
        self._over = False
        self.requested = False
        """Whether a running task was told to stop."""
        # Blocked in this thread and so in every later one: only the watching thread receives them, whatever
        # handlers Airflow or a library installs.
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        supervisor = os.getpid()
        os.register_at_fork(after_in_child=lambda: _prepare_task_process(supervisor))
        threading.Thread(target=self._watch, name="stop-watch", daemon=True).start()

    def task_started(self, pid: int) -> None:
        """Take note of the task's process; a signal from now on is meant for it."""
        with self._lock:
            self._task = pid

    def task_ended(self) -> None:
        """Take note that the outcome is recorded: a signal from now on changes nothing."""
        with self._lock:
            self._over = True

    def _watch(self) -> None:
        while True:
            name = signal.Signals(signal.sigwait(WATCHED)).name
            with self._lock:
                task, over = self._task, self._over
            if over:
                continue
            if task is None:
                self._say(f"{name} came before the task began: nothing was run.")
                self._leave()
                return
            self._stop_task(task, name)

    def _stop_task(self, task: int, name: str) -> None:
        try:
            handle = os.pidfd_open(task)
        except ProcessLookupError:
            return  # it ended by itself, and Airflow is recording that
        try:
            if _ended_within(handle, 0):
                return
            again, self.requested = self.requested, True
            if again:
                return
            self._say(f"{name}: the task is asked to stop and will be killed in {self._limit:g} s.")
            for _ in range(TIMES_TOLD):
                signal.pidfd_send_signal(handle, STOP_SIGNAL)
                if _ended_within(handle, self._limit / TIMES_TOLD):
                    return
            self._say(f"The task did not stop within {self._limit:g} s: it is killed.")
            # Its group, since a child that holds the log's pipe would delay the supervisor.
            os.killpg(task, signal.SIGKILL)
        finally:
            os.close(handle)


def _ended_within(handle: int, seconds: float) -> bool:
    """Wait for a process's end; the handle is a pidfd, which select reports readable at the end."""
    return bool(select.select([handle], [], [], seconds)[0])


def _prepare_task_process(supervisor: int) -> None:
    """In a child of the supervisor: receive signals again, and know how to stop."""
    if os.getppid() != supervisor:
        return  # a process of the task's own
    os.setpgid(0, 0)  # as Airflow does itself since 3.3
    signal.signal(STOP_SIGNAL, _StopHandler())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


class _StopHandler:
    """In the task's process: calls Airflow's SIGTERM handler once, then leaves what the task was doing."""

    def __init__(self) -> None:
        self._on_kill_called = False
        self._on_kill_runs = False

    def __call__(self, _signum: int, frame: FrameType | None) -> None:
        if self._on_kill_runs:
            return  # told again while on_kill takes its time
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if callable(handler) and not self._on_kill_called:
                self._on_kill_called = self._on_kill_runs = True
                handler(signal.SIGTERM, frame)
        finally:
            self._on_kill_runs = False
            raise TaskStopped("the container is being stopped (SIGTERM)")
