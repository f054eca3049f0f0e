"""The duties of PID 1, for containers without ECS's own init process.

PID 1 must reap orphaned processes, and the kernel ignores signals that it has no handler for. So PID 1
remains this small parent, and the work happens in its child.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

FORWARDED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


def split_off_init() -> None:
    """Fork if this process is PID 1. The child returns; the parent reaps and forwards signals for ever."""
    if os.getpid() != 1:
        return
    # Blocked during the fork, so that an early signal is delivered to the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return
    serve_as_init(child)


def serve_as_init(child: int) -> None:
    """Forward signals to the child, reap processes until it ends, and exit with its code. Never returns.

    Args:
        child: Process id of the worker.
    """

    def forward(signum: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has just ended, which the loop below is about to see
            os.kill(child, signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            os._exit(container_exit_code(os.waitstatus_to_exitcode(status)))


def container_exit_code(code: int) -> int:
    """Return a container's exit code for a process's; a negative one is a signal's number."""
    return 128 - code if code < 0 else code
