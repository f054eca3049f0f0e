"""The exit codes of a worker container, from which the executor learns the outcome of a task.

64 to 78 follow sysexits.h. 80 and above are outcomes of the task. None of them is a code of a shell, Python
or Airflow (1, 2, 124-127, 128 + signal). In particular, Python exits with 1 after any uncaught error, such as
a missing module, so 1 never means that the task failed.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """An exit code of the worker container; `meaning` describes it in one sentence."""

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> ExitCode:  # noqa: PYI034  typing.Self is not in 3.10
        """Make a member from its number and its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    SUCCESS = (0, "The task succeeded or was skipped.")
    WORKER_FAILED = (
        1,
        "The worker itself failed, not the task. See the container's last lines.",
    )
    BAD_COMMAND = (64, "The entrypoint cannot run the container's command.")
    PAYLOAD_INVALID = (65, "The payload is invalid, or comes from another Airflow release.")
    PAYLOAD_MISSING = (66, "The payload is not in the bucket: it was fetched before, or it expired.")
    API_UNREACHABLE = (69, "The Airflow API server did not answer, so the task's state was not recorded.")
    TRY_REJECTED = (
        75,
        "The Airflow API server rejected this try: it runs elsewhere, has ended, or was cleared.",
    )
    TOKEN_REJECTED = (
        77,
        "The API server or S3 rejected the credentials: the token expired, or access is denied.",
    )
    CONFIG_MISSING = (
        78,
        "The container's configuration is incomplete, for example the address of the API server.",
    )
    NOT_USED = (79, "The standby container exited without having run a task.")
    TASK_FAILED = (80, "The task failed (or is up for retry). See its log.")
    RESUMES_LATER = (
        81,
        "The task was deferred or rescheduled. It resumes later in another container.",
    )
    ENDED_BY_AIRFLOW = (82, "Airflow ended the task: it was cleared, marked, or its DAG run was deleted.")
    TASK_KILLED = (
        137,
        "The task's process was killed with SIGKILL, most likely because it ran out of memory.",
    )
    STOPPED = (143, "The task was stopped with SIGTERM, by StopTask or a Spot interruption.")


def meaning_of(code: int) -> str | None:
    """Return the meaning of an exit code; None if it is not one of the worker's."""
    try:
        return ExitCode(code).meaning
    except ValueError:
        return None
