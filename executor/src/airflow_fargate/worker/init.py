"""What a container's first process owes the others, for when ECS's own init is switched off.

The kernel gives PID 1 every orphan to reap and ignores signals it has no handler for. So PID 1 stays this
small parent, and the work happens in its child.
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
    """Fork when this process is PID 1: the child returns, the parent reaps, forwards and never returns."""
    if os.getpid() != 1:
        return
    # Blocked across the fork, so that a signal that comes early reaches a child that can be told.
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return
    serve_as_init(child)


def serve_as_init(child: int) -> None:
    """Forward signals to the child and reap until it ends; then exit with its code. Never returns.

    Args:
        child: Process id of the worker proper.
    """

    def forward(signum: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it ended a moment ago: the loop below is about to see it
            os.kill(child, signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            os._exit(container_exit_code(os.waitstatus_to_exitcode(status)))


def container_exit_code(code: int) -> int:
    """Return what a container reports for a process's exit code; a negative one is a signal's number."""
    return 128 - code if code < 0 else code
