"""A judge for IAM policies, small and strict: whatever it does not know is an error, never a yes.

It knows the statements and condition operators that this project's policies use, and which actions, resources
and context each of the executor's calls is checked for (Service Authorization Reference).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Request:
    """One question that AWS asks the policy.

    Args:
        action: for instance ``ecs:RunTask``.
        resource: the ARN, or ``*`` for a call that knows no resource.
        context: condition keys and their values.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _like(pattern: str, text: str) -> bool:
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, text) is not None


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "ArnEquals": _like,
    "ArnLike": _like,
}


@dataclass(frozen=True)
class Statement:
    """One Allow of a policy.

    Raises:
        ValueError: it has an element or an operator that is not known here.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    @classmethod
    def parse(cls, statement: Mapping[str, Any]) -> Statement:
        """Read a statement as it stands in the policy."""
        strange = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
        if strange or statement["Effect"] != "Allow":
            raise ValueError(f"a statement that is not understood: {json.dumps(statement)}")
        conditions = [
            (operator, key, tuple(_listed(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        ]
        if unknown := {operator for operator, _, _ in conditions} - set(_OPERATORS):
            raise ValueError(f"condition operators that are not understood: {', '.join(sorted(unknown))}")
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        return cls(statement["Sid"], tuple(actions), tuple(resources), tuple(conditions))

    def allows(self, request: Request) -> bool:
        """Tell whether the statement allows the request; a key that is not in the context is a no."""
        return (
            any(_like(action, request.action) for action in self.actions)
            and any(_like(resource, request.resource) for resource in self.resources)
            and all(
                key in request.context
                and any(_OPERATORS[operator](value, request.context[key]) for value in values)
                for operator, key, values in self.conditions
            )
        )


@dataclass(frozen=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str) -> Policy:
        """Read a policy from its JSON."""
        return cls(tuple(Statement.parse(statement) for statement in json.loads(document)["Statement"]))

    def allowing(self, request: Request) -> str | None:
        """Return the Sid of a statement that allows the request, or None."""
        return next((statement.sid for statement in self.statements if statement.allows(request)), None)


@dataclass(frozen=True)
class Place:
    """What the executor's calls are about.

    Args:
        cluster: the cluster's name.
        roles: ARNs of the roles in the task definition.
        queue: the queue's name.
        keys: KMS keys by what they encrypt: ``s3``, ``sqs``.
    """

    cluster: str
    roles: tuple[str, ...]
    queue: str
    keys: Mapping[str, str]

    def arn(self, service: str, rest: str) -> str:
        """Return an ARN in the place's region and account."""
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"

    @property
    def in_cluster(self) -> dict[str, str]:
        """Return the context of a call about the cluster."""
        return {"ecs:cluster": self.arn("ecs", f"cluster/{self.cluster}")}


Asking = Callable[[Place, Mapping[str, Any]], Iterator[Request]]
"""Returns what AWS asks the policy about a call."""


def _run_task(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    definition = call["taskDefinition"]
    if not definition.startswith("arn:"):
        definition = place.arn("ecs", f"task-definition/{definition}")
    yield Request("ecs:RunTask", definition, place.in_cluster)
    overrides = call.get("overrides", {})
    named = (overrides.get("taskRoleArn"), overrides.get("executionRoleArn"))
    for role in {*place.roles, *(role for role in named if role)}:
        yield Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    if call.get("tags"):
        resource = place.arn("ecs", f"task/{place.cluster}/new")
        yield Request("ecs:TagResource", resource, {"ecs:CreateAction": "RunTask"})


def _about_tasks(action: str) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        for task in call.get("tasks") or [call["task"]]:
            arn = task if task.startswith("arn:") else place.arn("ecs", f"task/{place.cluster}/{task}")
            yield Request(action, arn, place.in_cluster)

    return requests


def _about_queue(action: str) -> Asking:
    def requests(place: Place, _call: Mapping[str, Any]) -> Iterator[Request]:
        yield Request(action, place.arn("sqs", place.queue))
        if action == "sqs:ReceiveMessage":
            via = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
            yield Request("kms:Decrypt", place.keys["sqs"], via)

    return requests


def _about_object(action: str, key_action: str | None) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        yield Request(action, f"arn:aws:s3:::{call['Bucket']}/{call['Key']}")
        if key_action:
            via = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
            yield Request(key_action, place.keys["s3"], via)

    return requests


def _log_events(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    stream = f"log-group:{call['logGroupName']}:log-stream:{call['logStreamName']}"
    yield Request("logs:GetLogEvents", place.arn("logs", stream))


def _list_tasks(place: Place, _call: Mapping[str, Any]) -> Iterator[Request]:
    yield Request("ecs:ListTasks", "*", place.in_cluster)


CALLS: dict[str, Asking] = {
    "run_task": _run_task,
    "stop_task": _about_tasks("ecs:StopTask"),
    "describe_tasks": _about_tasks("ecs:DescribeTasks"),
    "list_tasks": _list_tasks,
    "receive_message": _about_queue("sqs:ReceiveMessage"),
    "delete_message_batch": _about_queue("sqs:DeleteMessage"),
    "change_message_visibility_batch": _about_queue("sqs:ChangeMessageVisibility"),
    "get_queue_attributes": _about_queue("sqs:GetQueueAttributes"),
    "put_object": _about_object("s3:PutObject", "kms:GenerateDataKey"),
    "delete_object": _about_object("s3:DeleteObject", None),
    "get_object": _about_object("s3:GetObject", "kms:Decrypt"),
    "get_log_events": _log_events,
}
"""boto3's method -> what AWS asks for it."""


@dataclass
class Guard:
    """Lets calls through that the policy allows, and keeps the book.

    Args:
        policy: the policy under which calls are made.
        place: what they are about.

    ``used`` are the Sids that allowed something, ``denied`` what nothing allowed.
    """

    policy: Policy
    place: Place
    used: set[str] = field(default_factory=set)
    denied: list[Request] = field(default_factory=list)

    def check(self, method: str, call: Mapping[str, Any]) -> None:
        """Ask the policy about a call.

        Raises:
            ClientError: AccessDeniedException, as AWS would.
            KeyError: the call is not known here.
        """
        for request in CALLS[method](self.place, call):
            sid = self.policy.allowing(request)
            if sid is None:
                self.denied.append(request)
                message = f"not authorized to perform {request.action} on {request.resource}"
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, method)
            self.used.add(sid)

    def watch(self, client: Any) -> Any:
        """Return the client behind the guard."""
        return _Watched(client, self)


class _Watched:
    def __init__(self, client: Any, guard: Guard) -> None:
        self._client = client
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return lambda method: _WatchedPaginator(found(method), method, self._guard)
        if name.startswith("_") or not callable(found) or isinstance(found, type):
            return found

        def call(**arguments: Any) -> Any:
            self._guard.check(name, arguments)
            return found(**arguments)

        return call


class _WatchedPaginator:
    def __init__(self, paginator: Any, method: str, guard: Guard) -> None:
        self._paginator = paginator
        self._method = method
        self._guard = guard

    def paginate(self, **arguments: Any) -> Any:
        self._guard.check(self._method, arguments)
        return self._paginator.paginate(**arguments)
