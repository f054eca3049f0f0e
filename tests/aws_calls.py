"""Records every AWS call that the package makes in pytest's process, with the role and the resource it needs.

Calls of boto3's clients are recorded in ``BaseClient._make_api_call``, no matter what answers them: moto, a
stub or the local cloud. Calls of fakes are recorded by :mod:`aws_model`. A call counts if code of the
package is on the stack, so a test's own calls do not. Contents are dropped, and so is everything that
differs from task to task (IDs, the last part of a key), so thousands of calls become a few dozen entries.
With ``-n``, each pytest process writes its own part: see ``conftest.py``.

``terraform/test_whole_suite.py`` compares the entries with Terraform's policies.
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
"""Modules that run with the task's role."""
IN_THE_API_SERVER = PACKAGE + "page"
"""Modules that run with the API server's role; all others run with the scheduler's."""
IN_THE_CONTROL_IMAGE = PACKAGE + "control"
"""Modules that run with a component's role in the complete deployment; other tests check its policies."""

WHOLE = (
    "cluster",
    "taskDefinition",
    "QueueUrl",
    "logGroupName",
    "logGroupNamePrefix",
    "repositoryName",
    "Bucket",
    "Prefix",
)
"""Parameters that name a resource, which are kept."""
CUT = ("task", "logStreamName", "Key", "resourceArn")
"""Parameters whose part after the last slash belongs to a single task."""
OF_A_STANDBY = ("offer", "answer")
"""Objects in the folder of a single standby."""
ONE = "0"
"""Replaces a single task's part."""


@dataclass(frozen=True)
class Call:
    """One kind of call.

    Args:
        bearer: whose policy it needs, ``scheduler``, ``reader`` or ``task``.
        service: boto3's name of the service.
        operation: the API's name of the operation.
        resource: the parameters that name its resource, as JSON.
    """

    bearer: str
    service: str
    operation: str
    resource: str

    @property
    def parameters(self) -> dict[str, Any]:
        """Return those parameters."""
        found: dict[str, Any] = json.loads(self.resource)
        return found

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.bearer}: {self.service}:{self.operation} {self.resource}"


class Book:
    """The recorded calls, and the modules of the package that made them; safe for several threads."""

    def __init__(self) -> None:
        self.calls: set[Call] = set()
        self.callers: set[tuple[str, str]] = set()

    def note(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Record a call if code of the package makes it."""
        caller = _calling_module(sys._getframe(1))
        if caller is None or caller.startswith(IN_THE_CONTROL_IMAGE):
            return
        whose = {IN_THE_CONTAINER: "task", IN_THE_API_SERVER: "reader"}
        bearer = next((each for part, each in whose.items() if caller.startswith(part)), "scheduler")
        self.calls.add(Call(bearer, service, operation, json.dumps(telling(parameters), sort_keys=True)))
        self.callers.add((caller, operation))

    def as_json(self) -> dict[str, Any]:
        """Return the recorded calls, for another process."""
        return {"calls": [astuple(call) for call in self.calls], "callers": list(self.callers)}

    def add(self, noted: Mapping[str, Any]) -> None:
        """Add the calls that another process recorded."""
        self.calls |= {Call(*fields) for fields in noted["calls"]}
        self.callers |= {(caller, operation) for caller, operation in noted["callers"]}


BOOK = Book()
"""The book of this process."""


def telling(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that name a call's resource, in the shape that ``terraform.iam_calls`` reads."""
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
    folder, slash, name = text.rpartition("/")
    if name in OF_A_STANDBY:
        return f"{_cut(folder)}/{name}"
    return f"{folder}{slash}{ONE}"


def _calling_module(frame: FrameType | None) -> str | None:
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(PACKAGE) and name != FAKES:
            return name
        frame = frame.f_back
    return None


def watch_boto3() -> None:
    """Record each call of every boto3 client from now on, before it is made."""
    make = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def making(client: Any, operation_name: str, api_params: Mapping[str, Any]) -> Any:
        BOOK.note(client.meta.service_model.service_name, operation_name, api_params)
        return make(client, operation_name, api_params)

    BaseClient._make_api_call = making  # type: ignore[attr-defined]
