"""An attempt's RunTask request: the workload put where its container finds it, the arguments around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate import payload
from airflow_fargate.errors import FargateError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_fargate.launch import Attempt
    from airflow_fargate.payload import PayloadStore
    from airflow_fargate.run_request import RunRequestBuilder


class NotStoredError(FargateError):
    """The workload could not be written to the bucket; ``cause`` is what boto3 raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Preparation:
    """Makes requests.

    Args:
        builder: lays the arguments around the command.
        payloads: puts workloads where containers find them.
    """

    def __init__(self, builder: RunRequestBuilder, payloads: PayloadStore) -> None:
        self._builder = builder
        self._payloads = payloads

    def prepare(self, attempt: Attempt) -> dict[str, Any]:
        """Return the keyword arguments of RunTask; the token in the payload is made now.

        Raises:
            RequestError: it cannot be launched as it is; the sentence says why.
            NotStoredError: the bucket did not take the workload.
        """
        request: dict[str, Any] = {}
        tried = 0
        for command in self._commands(attempt):
            tried += 1
            request = self._builder.build(attempt, command)
            if self._builder.overrides_fit(request):
                return request
        raise payload.too_large(self._builder.overrides_size(request), inline=tried > 1)

    def discard(self, attempt: Attempt) -> None:
        """Remove the payload of an attempt that starts no container.

        Raises:
            Exception: what boto3 raises; the bucket's lifecycle rule removes it in a day.
        """
        self._payloads.discard(attempt)

    def _commands(self, attempt: Attempt) -> Iterable[list[str]]:
        """Return the commands to try, the first that fits is taken."""
        launch = attempt.launch
        if launch.command is not None:
            return [list(launch.command)]
        if launch.document is None:
            raise RequestError(
                "The workload has neither a command nor a document: this release is not supported."
            )
        document = launch.document()
        try:
            references = self._payloads.references(attempt, document)
        except Exception as error:
            raise NotStoredError(error) from error
        return map(payload.command_for, references)
