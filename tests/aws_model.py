"""Checks requests, answers and errors against botocore's model of AWS's services.

``modelled(service, fake)`` wraps a fake client. The operation must accept the request. An answer or error
may only have members of the model. A member that the code reads must exist in the model, even if the fake
does not set it. So a fake accepts nothing that AWS rejects, and a misspelt member is an error instead of
None.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, StructureShape
from botocore.validate import ParamValidator

from aws_calls import BOOK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, Shape

OLDER_MODEL = "AWS_MODEL_IS_OLDER"
"""Environment variable for a run with an old boto3: answers lose the members that its model does not have."""
EVERY_ANSWER = frozenset({"ResponseMetadata"})
"""Members that boto3 adds to an answer."""
EVERY_ERROR = frozenset({"Error", "ResponseMetadata"})
_SCALARS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
    "blob": (bytes, bytearray),
}


class NotInTheModelError(BaseException):
    """AWS has no such request, answer or member.

    This is not an ``Exception``, because threads that catch AWS's errors must not catch it.
    """


@cache
def service_model(service: str) -> ServiceModel:
    """Return the installed botocore's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def operation_names(service: str) -> Mapping[str, str]:
    """Return boto3's method name -> the API's operation, such as ``run_task`` -> ``RunTask``."""
    return {xform_name(each): each for each in service_model(service).operation_names}


def modelled(service: str, client: Any) -> Any:
    """Return the client, checked against the model of its service."""
    return ModelledClient(service, client)


class ModelledClient:
    """The wrapper that :func:`modelled` returns; it passes attributes that are not operations through."""

    def __init__(self, service: str, client: Any) -> None:
        self._service = service
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in operation_names(self._service):
            return method
        operation = service_model(self._service).operation_model(operation_names(self._service)[name])

        def call(**parameters: Any) -> Any:
            BOOK.note(self._service, operation.name, parameters)
            check_request(operation, parameters)
            try:
                answer = method(**parameters)
            except ClientError as error:
                error.response = error_view(operation, error.response)
                raise
            # A fake of S3 that returns None returns an answer without members.
            return view(answer or {}, operation.output_shape, operation.name, EVERY_ANSWER)

        return call


class View(dict[str, Any]):
    """A dictionary that raises an error for keys that its shape does not have."""

    def __init__(self, content: Mapping[str, Any], known: frozenset[str], where: str) -> None:
        super().__init__(content)
        self._known, self._where = known, where

    def _checked(self, key: str) -> str:
        if key not in self._known:
            raise NotInTheModelError(f"{self._where} has no member {key!r}")
        return key

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._checked(key))

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(self._checked(key), default)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._checked(str(key)))


def check_request(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Raise :class:`NotInTheModelError` for a request that the operation does not accept, as boto3 does."""
    if operation.input_shape is None:
        faults = f"it takes no parameters: {sorted(parameters)}" if parameters else ""
    else:
        faults = ParamValidator().validate(dict(parameters), operation.input_shape).generate_report()
    if faults:
        raise NotInTheModelError(f"boto3 does not send this {operation.name}: {faults}")


def error_view(operation: OperationModel, response: Mapping[str, Any]) -> View:
    """Return a ClientError's response, which can also have the members of its exception."""
    code = str((response.get("Error") or {}).get("Code"))
    members: Mapping[str, Shape] = next(
        (
            each.members
            for each in operation.error_shapes
            if code in (each.name, each.metadata.get("error", {}).get("code"))
        ),
        {},
    )
    # The code may read the members of any exception, because that is how it finds out which one it is.
    readable = frozenset().union(*(frozenset(each.members) for each in operation.error_shapes))
    strange = set(response) - set(members) - EVERY_ERROR - {"message", "Message"}
    if strange:
        raise NotInTheModelError(f"{operation.name}: the error {code} has no {sorted(strange)}")
    error = View(response.get("Error") or {}, frozenset({"Code", "Message", "Type", *readable}), "Error")
    known = readable | EVERY_ERROR | {"message", "Message"}
    return View({**response, "Error": error}, known, f"the error {code} of {operation.name}")


def view(value: Any, shape: Shape | None, where: str, also: frozenset[str] = frozenset()) -> Any:
    """Return a value of an answer with each dictionary replaced by a :class:`View` of its shape."""
    if shape is None or isinstance(shape, StructureShape):
        members: Mapping[str, Shape] = {} if shape is None else shape.members
        strange = set(value) - set(members) - also
        if strange and OLDER_MODEL in os.environ:
            value = {key: each for key, each in value.items() if key not in strange}
        elif strange:
            raise NotInTheModelError(f"{where} does not return {sorted(strange)}")
        content = {
            key: view(each, members[key], f"{where}.{key}") if key in members else each
            for key, each in value.items()
        }
        return View(content, frozenset(members) | also, where)
    if isinstance(shape, ListShape):
        return [view(each, shape.member, f"{where}[]") for each in value]
    if isinstance(shape, MapShape):
        return {key: view(each, shape.value, f"{where}{{}}") for key, each in value.items()}
    expected = _SCALARS[shape.type_name]
    # A streamed blob has a read(). In an answer, True is not an integer.
    if not isinstance(value, expected) and not hasattr(value, "read"):
        raise NotInTheModelError(f"{where} is a {shape.type_name}, the fake answers {value!r}")
    if isinstance(value, bool) and shape.type_name != "boolean":
        raise NotInTheModelError(f"{where} is a {shape.type_name}, the fake answers {value!r}")
    return value


# --- a client made from the model alone ---------------------------------------------------------------------


class ModelClient:
    """A client that accepts what the operations accept, and answers with all of their members.

    Args:
        service: boto3's name of the service.
        values: the values of members with these names; others get a made-up value of their type.
        empty: whether to answer without members, since all of AWS's members are optional.
    """

    def __init__(self, service: str, values: Mapping[str, Any] | None = None, *, empty: bool = False) -> None:
        self._service = service
        self._values = values or {}
        self._empty = empty
        self.called: list[str] = []

    class exceptions:  # noqa: N801  boto3's name
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __getattr__(self, name: str) -> Any:
        if name not in operation_names(self._service):
            raise NotInTheModelError(f"{self._service} has no {name}")
        operation = service_model(self._service).operation_model(operation_names(self._service)[name])

        def call(**parameters: Any) -> Any:
            self.called.append(name)
            BOOK.note(self._service, operation.name, parameters)
            check_request(operation, parameters)
            filled = {} if self._empty else example(operation.output_shape, self._values)
            return view(filled or {}, operation.output_shape, operation.name, EVERY_ANSWER)

        return call

    def get_paginator(self, name: str) -> Any:
        """Return boto3's paginator with a single page."""
        return type("Paginator", (), {"paginate": lambda _, **given: [getattr(self, name)(**given)]})()


def example(shape: Shape | None, values: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a value of the shape with every member, at most eight levels deep: some shapes are recursive."""
    if isinstance(shape, StructureShape):
        return {
            name: values[name] if name in values else example(member, values, depth + 1)
            for name, member in shape.members.items()
            if depth < 8
        }
    if isinstance(shape, ListShape):
        return [example(shape.member, values, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": example(shape.value, values, depth + 1)}
    if shape is None:
        return {}
    if enum := getattr(shape, "enum", None):
        return enum[0]
    made: Mapping[str, Any] = {
        "boolean": True,
        "timestamp": datetime.fromtimestamp(0, tz=timezone.utc),
        "blob": b"x",
        "string": "1",
    }
    return made.get(shape.type_name, 1)
