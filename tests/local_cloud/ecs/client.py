"""Clients with boto3's methods and errors over a task plane, without HTTP."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.model
import botocore.validate
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from local_cloud.ecs.plane import OPERATIONS
from local_cloud.queues.client import QueueClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.ecs.plane import Reply, TaskPlane


def make_client(plane: TaskPlane, service: str, region: str, **options: Any) -> Any:
    """The client of a service: "ecs" or "sqs"; any other raises ValueError.

    Options of "ecs": `wait`, called with the seconds an answer is delayed (default: no time passes).
    """
    if service == "ecs":
        return EcsClient(plane, region, **options)
    if service == "sqs":
        return QueueClient(plane, **options)
    raise ValueError(f"the task plane has clients for 'ecs' and 'sqs', not for {service!r}")


class EcsClient:
    """boto3's ECS client for the calls that the task plane answers, as run_task(cluster=..., ...).

    Parameters are checked against botocore's own model before anything happens, as boto3 does it. Raises
    ClientError, ParamValidationError, and ReadTimeoutError where an answer is lost. It never retries.
    """

    def __init__(self, plane: TaskPlane, region: str, *, wait: Callable[[float], None] | None = None) -> None:
        self._plane = plane
        self._region = region
        self._wait = wait
        self._model = service_model("ecs")

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        shape = self._model.operation_model(operation).input_shape
        report = botocore.validate.ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        reply = self._plane.call(operation, parameters, self._region)
        if reply.delay and self._wait is not None:
            self._wait(reply.delay)
        if reply.lost:
            raise ReadTimeoutError(endpoint_url=f"https://ecs.{self._region}.amazonaws.com/")
        if reply.error is not None:
            raise client_error(reply, operation)
        return {**reply.document, "ResponseMetadata": _metadata(200)}


def _method(operation: str) -> Callable[..., dict[str, Any]]:
    def method(client: EcsClient, **parameters: Any) -> dict[str, Any]:
        """See boto3."""
        return client._call(operation, parameters)

    return method


for _operation in OPERATIONS:
    setattr(EcsClient, xform_name(_operation), _method(_operation))


def client_error(reply: Reply, operation: str) -> ClientError:
    """The ClientError boto3 would raise for this reply."""
    error = reply.error
    if error is None:
        raise ValueError("the reply is no error")
    response = {
        "Error": {"Message": error.message, "Code": error.code},
        "ResponseMetadata": _metadata(error.status),
        "message": error.message,
        **error.members,
    }
    return ClientError(response, operation)


@cache
def service_model(service: str) -> botocore.model.ServiceModel:
    """Return botocore's own description of a service."""
    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(description, service)


def _metadata(status: int) -> dict[str, Any]:
    return {
        "RequestId": "00000000-0000-0000-0000-000000000000",
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }
