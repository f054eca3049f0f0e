"""The exit codes of a worker container: how the executor learns from ECS alone what became of a task.

The numbers follow sysexits.h where it has a fitting one, so that none of them meets what a shell, Python or
Airflow itself exits with (0, 1, 2, 124-127, 128 + signal).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a worker container exits with; `meaning` is one sentence for a person."""

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> ExitCode:  # noqa: PYI034  typing.Self is not in 3.10
        """Make a member that is the number and carries its sentence."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    SUCCESS = (0, "The task ended as Airflow wanted: success, skipped, deferred or rescheduled.")
    TASK_FAILED = (1, "The task ran and failed, for good or up for retry; its log says why.")
    BAD_COMMAND = (64, "The container was given a command that the entrypoint cannot run.")
    PAYLOAD_INVALID = (65, "The payload was not understood, or was written by another Airflow release.")
    PAYLOAD_MISSING = (66, "The payload is not in the bucket: it was fetched before, or it expired.")
    API_UNREACHABLE = (69, "The Airflow API server did not answer, so the task's state was not recorded.")
    TRY_REFUSED = (75, "The Airflow API server refused this try: it runs elsewhere or is not wanted.")
    TOKEN_REFUSED = (77, "The API server or S3 refused the credentials: token expired or access denied.")
    CONFIG_MISSING = (78, "The container lacks configuration, such as the address of the API server.")
    TASK_KILLED = (137, "The task's process was killed with SIGKILL, most likely for want of memory.")
    STOPPED = (143, "The task was ended by SIGTERM: StopTask, a Spot interruption, or Airflow's own order.")


def meaning_of(code: int) -> str | None:
    """Return the sentence for an exit code, or None for one that is not the worker's own."""
    try:
        return ExitCode(code).meaning
    except ValueError:
        return None
