"""Every AWS call that the package makes in pytest's process: whose permission it needs, and on what.

boto3's clients are seen where each of their calls passes (``BaseClient._make_api_call``), whatever answers
them: moto, a stub, the local cloud. Fakes are seen where :mod:`aws_model` stands before them. A call counts
when code of the package is on the stack: what a test does to its account does not. What differs from task to
task (ids, the last part of a key) is left out, and so are all contents: thousands of calls become a few dozen
entries. Several pytest processes (``-n``) write one part each: see ``conftest.py``.

``terraform/test_whole_suite.py`` holds the book against the policies that Terraform writes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

PACKAGE = "airflow_fargate."
FAKES = PACKAGE + "testing"
IN_THE_CONTAINER = PACKAGE + "worker"
"""What runs with the task's role; all else runs with the scheduler's."""
IN_THE_CONTROL_IMAGE = PACKAGE + "control"
"""What runs with a component's role in the complete deployment, whose policies have tests of their own."""

WHOLE = (
    "cluster",
    "taskDefinition",
    "QueueUrl",
    "logGroupName",
    "logGroupNamePrefix",
    "repositoryName",
    "Bucket",
)
"""Parameters that name a resource, and are kept as they are."""
CUT = ("task", "logStreamName", "Key")
"""Those whose last part, behind a slash, is a single task's."""
ONE = "0"
"""Stands for a single task's part."""


@dataclass(frozen=True)
class Call:
    """One kind of call.

    Args:
        bearer: whose policy it needs, ``scheduler`` or ``task``.
        service: as boto3 names it.
        operation: as the API names it.
        told: the parameters that tell its resource, as JSON.
    """

    bearer: str
    service: str
    operation: str
    told: str

    @property
    def parameters(self) -> dict[str, Any]:
        """Return those parameters."""
        found: dict[str, Any] = json.loads(self.told)
        return found

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.bearer}: {self.service}:{self.operation} {self.told}"


class Book:
    """What was called, and by which module of the package; written to by many threads at once."""

    def __init__(self) -> None:
        self.calls: set[Call] = set()
        self.callers: set[tuple[str, str]] = set()

    def note(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Enter a call, if code of the package makes it."""
        caller = _calling_module(sys._getframe(1))
        if caller is None or caller.startswith(IN_THE_CONTROL_IMAGE):
            return
        bearer = "task" if caller.startswith(IN_THE_CONTAINER) else "scheduler"
        self.calls.add(Call(bearer, service, operation, json.dumps(telling(parameters), sort_keys=True)))
        self.callers.add((caller, operation))

    def as_json(self) -> dict[str, Any]:
        """Return what was noted, for another process."""
        return {"calls": [astuple(call) for call in self.calls], "callers": list(self.callers)}

    def add(self, noted: Mapping[str, Any]) -> None:
        """Enter what another process noted."""
        self.calls |= {Call(*fields) for fields in noted["calls"]}
        self.callers |= {(caller, operation) for caller, operation in noted["callers"]}


BOOK = Book()
"""The book of this process."""


def telling(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a call tells its resource, in the shape that ``terraform.iam_calls`` reads."""
    found = {name: parameters[name] for name in WHOLE if name in parameters}
    found |= {name: _cut(parameters[name]) for name in CUT if name in parameters}
    if "tasks" in parameters:
        found["tasks"] = sorted({_cut(task) for task in parameters["tasks"]})
    if "clusters" in parameters:
        found["clusters"] = list(parameters["clusters"])
    overrides = parameters.get("overrides") or {}
    if roles := {name: overrides[name] for name in ("taskRoleArn", "executionRoleArn") if name in overrides}:
        found["overrides"] = roles
    if parameters.get("tags"):
        found["tags"] = True
    return found


def _cut(text: str) -> str:
    folder, slash, _ = text.rpartition("/")
    return f"{folder}{slash}{ONE}"


def _calling_module(frame: FrameType | None) -> str | None:
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(PACKAGE) and name != FAKES:
            return name
        frame = frame.f_back
    return None


def watch_boto3() -> None:
    """Enter each call of every boto3 client from now on, before it is made."""
    make = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def making(client: Any, operation_name: str, api_params: Mapping[str, Any]) -> Any:
        BOOK.note(client.meta.service_model.service_name, operation_name, api_params)
        return make(client, operation_name, api_params)

    BaseClient._make_api_call = making  # type: ignore[attr-defined]
