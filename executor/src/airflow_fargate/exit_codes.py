"""The exit codes of a worker container: how the executor learns the outcome of a task from ECS alone.

64 to 78 follow sysexits.h. 80 and above are outcomes of the task itself. None of them is a code that a shell,
Python or Airflow exits with by itself (1, 2, 124-127, 128 + signal). In particular, Python exits with 1 after
any uncaught error, such as a module that the image lacks, so 1 never means that the task failed.
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

    SUCCESS = (0, "The task succeeded or was skipped.")
    WORKER_FAILED = (
        1,
        "The worker itself failed, before or beside the task: see the container's last lines.",
    )
    BAD_COMMAND = (64, "The container was given a command that the entrypoint cannot run.")
    PAYLOAD_INVALID = (65, "The payload was not understood, or was written by another Airflow release.")
    PAYLOAD_MISSING = (66, "The payload is not in the bucket: it was fetched before, or it expired.")
    API_UNREACHABLE = (69, "The Airflow API server did not answer, so the task's state was not recorded.")
    TRY_REFUSED = (75, "The Airflow API server refused this try: it runs elsewhere or is not wanted.")
    TOKEN_REFUSED = (77, "The API server or S3 refused the credentials: token expired or access denied.")
    CONFIG_MISSING = (78, "The container lacks configuration, such as the address of the API server.")
    NOT_USED = (79, "The standby container exited without having run a task.")
    TASK_FAILED = (80, "The task ran and failed, for good or up for retry; its log says why.")
    RESUMES_LATER = (
        81,
        "The task deferred itself or was rescheduled: it resumes later in another container.",
    )
    ENDED_BY_AIRFLOW = (82, "Airflow ended the task: it was cleared, marked, or its DAG run was deleted.")
    TASK_KILLED = (137, "The task's process was killed with SIGKILL, most likely because memory ran out.")
    STOPPED = (143, "The task was ended by SIGTERM from outside: StopTask or a Spot interruption.")


def meaning_of(code: int) -> str | None:
    """Return the sentence for an exit code, or None for one that is not the worker's own."""
    try:
        return ExitCode(code).meaning
    except ValueError:
        return None
