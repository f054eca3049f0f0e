"""Processes as the kernel lists them: a pid alone is no identity, a pid with its start time is."""

from __future__ import annotations

import contextlib
from pathlib import Path

PROC = Path("/proc")
MARK = "AIRFLOW_FARGATE_SMOKE"
"""Environment variable given to everything the smoke starts, so that strays can be told from others' work."""


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the command's name, or None when there is no such process."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def started_at(pid: int) -> int | None:
    """Return the start time in clock ticks since boot, or None when there is no such process."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def is_running(pid: int, started: int) -> bool:
    """Tell whether this very process lives; a zombie does not."""
    fields = _stat(pid)
    return fields is not None and int(fields[19]) == started and fields[0] not in {"Z", "X"}


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def session_members(session: int, since: int) -> list[int]:
    """Return the living processes of a session whose leader started, or had started, at ``since`` (ticks).

    The kernel gives a number out again only when no process of the old session is left, so a leader with
    another start time means another session.
    """
    members = []
    for pid in _pids():
        fields = _stat(pid)
        if fields is not None and int(fields[3]) == session and fields[0] not in {"Z", "X"}:
            leader = started_at(session)
            if leader is None or leader == since:
                members.append(pid)
    return members


def marked(value: str) -> dict[int, str]:
    """Return pid -> command line of the living processes that carry our mark with this value."""
    needle = f"{MARK}={value}".encode()
    found = {}
    for pid in _pids():
        try:
            if needle in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                line = (
                    (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                fields = _stat(pid)
                if fields is not None and fields[0] not in {"Z", "X"}:
                    found[pid] = line.strip()
        except OSError:
            continue
    return found


def running(argument: str) -> list[int]:
    """Return the living processes that were started with this argument, to the letter."""
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            if argument.encode() in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0"):
                found.append(pid)
    return found
