"""The worker's error: a message for the log and an exit code for the container."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_fargate.exit_codes import ExitCode


class WorkerError(Exception):
    """The container cannot run its command. `code` is its exit code, and the message its last line."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
