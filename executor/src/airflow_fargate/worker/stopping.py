"""Stop a task on SIGTERM, early enough for Airflow to record it.

ECS sends SIGTERM for StopTask and for a Spot interruption, and SIGKILL `stopTimeout` seconds later. Airflow's
own handler only calls the operator's `on_kill`. If that does not end the task, it runs until SIGKILL also
kills the supervisor, and nothing is recorded. So a thread waits for the signal:

1. It sends STOP_SIGNAL to the task's process. The handler there calls Airflow's handler for SIGTERM
   (`on_kill`), then raises TaskStopped in the task's main thread: `finally` blocks run, and Airflow records
   the failure or the retry and calls its callbacks. If the task continues, the signal is sent again, twice.
2. A task that has not ended by the limit is killed. Airflow's supervisor survives, records the outcome and
   uploads the log.
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
"""A real-time signal, because user code and libraries may use SIGUSR1 and SIGUSR2."""
ATTEMPTS = 3
"""An exception can be lost: caught by a bare `except`, or raised where Python ignores exceptions."""


class TaskStopped(BaseException):
    """The container is being stopped. Not an Exception, so that `except Exception` does not catch it."""


class TaskStop:
    """Handles SIGTERM and SIGINT. Create it in the main thread, before any other thread.

    Args:
        limit: Seconds that a task has to end after the signal.
        say: Writes one line to the container's log.
        leave: Ends this process at once; called if a signal comes before there is a task.
    """

    def __init__(self, *, limit: float, say: Callable[[str], None], leave: Callable[[], None]) -> None:
        self._limit = limit
        self._say = say
        self._leave = leave
        self._lock = threading.Lock()
        self._task: int | None = None
        self._over = False
        self.requested = False
        """Whether a running task was signalled to stop."""
        # Blocked in this thread, and so in every later one: only the watching thread receives them, even if
        # Airflow or a library installs handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        supervisor = os.getpid()
        os.register_at_fork(after_in_child=lambda: _prepare_task_process(supervisor))
        threading.Thread(target=self._watch, name="stop-watch", daemon=True).start()

    def task_started(self, pid: int) -> None:
        """Record the task's process; later signals are for it."""
        with self._lock:
            self._task = pid

    def task_ended(self) -> None:
        """Record that the outcome is known; later signals change nothing."""
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
                self._say(f"{name} arrived before the task started, so it was not run.")
                self._leave()
                return
            self._stop_task(task, name)

    def _stop_task(self, task: int, name: str) -> None:
        try:
            handle = os.pidfd_open(task)
        except ProcessLookupError:
            return  # it has ended, and Airflow is recording that
        try:
            if _ended_within(handle, 0):
                return
            again, self.requested = self.requested, True
            if again:
                return
            self._say(f"{name}: stopping the task. It will be killed in {self._limit:g} s.")
            for _ in range(ATTEMPTS):
                signal.pidfd_send_signal(handle, STOP_SIGNAL)
                if _ended_within(handle, self._limit / ATTEMPTS):
                    return
            self._say(f"The task did not stop within {self._limit:g} s and is killed.")
            # The whole group, because a child that holds the log's pipe would delay the supervisor.
            os.killpg(task, signal.SIGKILL)
        finally:
            os.close(handle)


def _ended_within(handle: int, seconds: float) -> bool:
    """Wait for the end of a process. The handle is a pidfd, which becomes readable then."""
    return bool(select.select([handle], [], [], seconds)[0])


def _prepare_task_process(supervisor: int) -> None:
    """Unblock signals in a child of the supervisor, and install the handler that stops the task."""
    if os.getppid() != supervisor:
        return  # a child of the task
    os.setpgid(0, 0)  # as Airflow does itself since 3.3
    signal.signal(STOP_SIGNAL, _StopHandler())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


class _StopHandler:
    """Handles STOP_SIGNAL in the task's process: calls Airflow's SIGTERM handler once, then raises."""

    def __init__(self) -> None:
        self._on_kill_called = False
        self._on_kill_runs = False

    def __call__(self, _signum: int, frame: FrameType | None) -> None:
        if self._on_kill_runs:
            return  # signalled again while on_kill runs
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if callable(handler) and not self._on_kill_called:
                self._on_kill_called = self._on_kill_runs = True
                handler(signal.SIGTERM, frame)
        finally:
            self._on_kill_runs = False
            raise TaskStopped("The container is being stopped (SIGTERM).")
