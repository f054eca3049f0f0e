"""The one error of the worker: a sentence for the log and an exit code for the container."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_fargate.exit_codes import ExitCode


class WorkerError(Exception):
    """The container cannot do its work; `code` is what it exits with, the text is its last line."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
