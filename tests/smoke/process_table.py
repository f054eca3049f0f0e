"""Processes of this machine. A pid is reused, so a process is identified by its pid and its start time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "AIRFLOW_FARGATE_SMOKE"
"""Environment variable of every process that the smoke starts, by which it finds what outlived a run."""
SAME_START = 2.0
"""Seconds by which two start times of one process may differ: they move when the system clock is set."""


def started_at(pid: int) -> float | None:
    """Return when the process started, in seconds since the epoch, or None if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def is_same(pid: int, started: float) -> bool:
    """Return whether the pid still belongs to the process that started then, a zombie included."""
    now = started_at(pid)
    return now is not None and abs(now - started) < SAME_START


def is_running(pid: int, started: float) -> bool:
    """Return whether the process that started then still runs; a zombie does not."""
    return is_same(pid, started) and _is_alive(pid)


def session_members(session: int, started: float) -> list[int]:
    """Return the running processes of a session whose leader started then; the leader itself may be gone.

    A number is not reused while a process of the old session runs. So if the leader's pid now belongs to a
    process with another start time, it is another session.
    """
    if started_at(session) is not None and not is_same(session, started):
        return []
    return [pid for pid in psutil.pids() if _session_of(pid) == session and _is_alive(pid)]


def marked(value: str) -> dict[int, str]:
    """Return pid -> command line of the running processes that carry our mark with this value."""
    return {
        process.pid: " ".join(process.info["cmdline"] or [])
        for process in _running_processes("environ", "cmdline")
        if (process.info["environ"] or {}).get(MARK) == value
    }


def running(argument: str) -> list[int]:
    """Return the running processes that were started with exactly this argument."""
    return [
        process.pid
        for process in _running_processes("cmdline")
        if argument in (process.info["cmdline"] or [])
    ]


def _running_processes(*attributes: str) -> Iterator[psutil.Process]:
    """Yield the running processes; what this user may not read is None in ``info``."""
    for process in psutil.process_iter(["status", *attributes]):
        if process.info["status"] != psutil.STATUS_ZOMBIE:
            yield process


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
