"""Builds the keyword arguments of boto3's run_task from a launch."""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import RequestError
from airflow_fargate.settings.tags import fault
from airflow_fargate.settings.task_options import NO_OPTIONS, lay_over

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig
    from airflow_fargate.settings.task_options import TaskOptions
    from airflow_fargate.tasks.launch import Attempt

MAX_OVERRIDES = 8192  # characters, JSON formatting included (ECS API reference, RunTask)
MAX_TAGS = 50
MAX_TAG_VALUE = 256
HOOK = "[fargate] execution_config_function"
RUN_TASK = "run_task in executor_config or a profile"
LAUNCH_ID_TAG = "airflow-fargate:launch-id"
DEPLOYMENT_TAG = "airflow-fargate:deployment"

_NOT_IN_TAGS = re.compile(r"[^\w .:/=+\-@]")

# A hook need not return these: its result is validated before they are filled in.
_REQUIRED = {"taskDefinition": "?"}

Hook = Callable[[list[str]], Mapping[str, Any]]
Validate = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class RunRequestBuilder:
    """Builds requests from the configuration; makes no call.

    Args:
        config: the ``[fargate]`` section.
        hook: the function that ``execution_config_function`` returned, or None.
        validate: checks keyword arguments against botocore's model of RunTask; returns the errors as text,
            empty if there are none.
    """

    config: FargateConfig
    hook: Hook | None
    validate: Validate

    def chain(self, attempt: Attempt) -> tuple[str, ...]:
        """Return the capacity providers to try in order, or the launch type."""
        return attempt.launch.options.capacity or self.config.capacity_chain or (self.config.launch_type,)

    def capacity(self, attempt: Attempt) -> str:
        """Return the capacity provider or launch type of this attempt."""
        chain = self.chain(attempt)
        return chain[attempt.capacity % len(chain)]

    def build(self, attempt: Attempt, command: list[str]) -> dict[str, Any]:
        """Return the keyword arguments of run_task.

        The same attempt and command give exactly the same request, because AWS compares a repeated launch.

        Raises:
            RequestError: the hook failed, or AWS would reject the request.
        """
        options = attempt.launch.options
        # A request from checked options is valid by construction (tests/fuzz compares it with the model).
        # Validation takes a tenth of a millisecond, so only what a hook or run_task wrote is validated.
        if self.hook is None:
            request = self._own(attempt, options, command)
        else:
            request = self._hooked(command)
            # Validate before reading: a hook may return anything.
            _reject(HOOK, self.validate({**_REQUIRED, **request}))
        if options != NO_OPTIONS:
            request = self._with_options(request, attempt, options)
        if options.run_task:
            request = dict(lay_over(request, options.run_task))
            _reject(RUN_TASK, self.validate({**_REQUIRED, **request}))
        # Set after the hook and run_task, because launching exactly once depends on these.
        request["cluster"] = request.get("cluster") or self.config.cluster
        request["count"] = 1
        request["clientToken"] = attempt.client_token
        request["startedBy"] = f"{self.config.deployment}/{attempt.launch.launch_id}"
        request["tags"] = self._tags(attempt, request.get("tags") or ())
        if self.hook is not None or options.run_task:
            _reject(RUN_TASK if options.run_task else HOOK, self.validate(request))
        self._check(request, command)
        return request

    def overrides_fit(self, request: Mapping[str, Any]) -> bool:
        """Return whether the overrides are within RunTask's limit."""
        return self.overrides_size(request) <= MAX_OVERRIDES

    @staticmethod
    def overrides_size(request: Mapping[str, Any]) -> int:
        """Return the size of the overrides in characters, JSON formatting included."""
        return len(json.dumps(request.get("overrides") or {}))

    def _own(self, attempt: Attempt, options: TaskOptions, command: list[str]) -> dict[str, Any]:
        config, capacity = self.config, self.capacity(attempt)
        network: dict[str, Any] = {"subnets": list(config.subnets)}
        if config.security_groups:
            network["securityGroups"] = list(config.security_groups)
        if _is_fargate(capacity):
            network["assignPublicIp"] = config.assign_public_ip
        request: dict[str, Any] = {
            "cluster": config.cluster,
            "taskDefinition": config.task_definition,
            "networkConfiguration": {"awsvpcConfiguration": network},
            "overrides": {"containerOverrides": [{"name": config.container_name, "command": command}]},
            "enableECSManagedTags": True,
            # Without this, a task has none of its definition's tags (ECS API reference, RunTask).
            "propagateTags": "TASK_DEFINITION",
        }
        if config.capacity_chain and not options.capacity:
            request["capacityProviderStrategy"] = _strategy(capacity)
        elif not options.capacity:
            request["launchType"] = capacity
        if _is_fargate(capacity):
            request["platformVersion"] = config.platform_version
        return request

    def _with_options(
        self, request: Mapping[str, Any], attempt: Attempt, options: TaskOptions
    ) -> dict[str, Any]:
        """Lay the task's own options over a request, ours or the hook's."""
        overrides = {
            "cpu": str(options.cpu) if options.cpu is not None else None,
            "memory": str(options.memory) if options.memory is not None else None,
            "ephemeralStorage": {"sizeInGiB": options.ephemeral_storage}
            if options.ephemeral_storage is not None
            else None,
            "taskRoleArn": options.task_role,
            "containerOverrides": self._with_environment(request, options.env) if options.env else None,
        }
        changes: dict[str, Any] = {
            "taskDefinition": options.task_definition,
            "overrides": {name: value for name, value in overrides.items() if value is not None},
        }
        if options.subnets:
            changes["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": list(options.subnets)}}
        if options.capacity:
            request = {name: value for name, value in request.items() if name != "launchType"}
            changes["capacityProviderStrategy"] = _strategy(self.capacity(attempt))
        return dict(lay_over(request, {name: value for name, value in changes.items() if value}))

    def _with_environment(self, request: Mapping[str, Any], env: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the request's containers, with ``env`` added to the worker container."""
        containers = [dict(each) for each in (request.get("overrides") or {}).get("containerOverrides") or ()]
        ours = next((each for each in containers if each.get("name") == self.config.container_name), None)
        if ours is None:
            ours = {"name": self.config.container_name}
            containers.append(ours)
        own = {each["name"]: each["value"] for each in ours.get("environment") or ()}
        ours["environment"] = [{"name": name, "value": value} for name, value in {**own, **env}.items()]
        return containers

    def _hooked(self, command: list[str]) -> dict[str, Any]:
        name = self.config.execution_config_function
        try:
            result = self.hook(list(command)) if self.hook is not None else {}
        except Exception as error:
            raise RequestError(f"[fargate] execution_config_function {name} raised {error!r}.") from error
        if not isinstance(result, Mapping):
            raise RequestError(
                f"[fargate] execution_config_function {name} must return a dictionary of "
                f"run_task's keyword arguments, got {type(result).__name__}."
            )
        try:
            # A hook may reuse one dictionary for every task; a kept request must not change with it.
            return copy.deepcopy(dict(result))
        except Exception as error:
            raise RequestError(
                f"[fargate] execution_config_function {name} returned what cannot be copied: {error!r}."
            ) from error

    def tags(self, attempt: Attempt) -> list[dict[str, str]]:
        """Return the tags of an attempt, without those of a hook."""
        return self._tags(attempt, ())

    def _tags(self, attempt: Attempt, theirs: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
        identity = attempt.launch.identity
        theirs = list(theirs)
        for each in theirs:
            source = RUN_TASK if attempt.launch.options.run_task.get("tags") else HOOK
            _reject(source, fault(each.get("key") or "", each.get("value", "")))
        tags = {each["key"]: each.get("value", "") for each in theirs}
        tags |= {**self.config.tags, **attempt.launch.options.tags}
        tags |= {
            "airflow-fargate:dag-id": identity.dag_id,
            "airflow-fargate:task-id": identity.task_id,
            "airflow-fargate:run-id": identity.run_id,
            "airflow-fargate:try-number": str(identity.try_number),
            DEPLOYMENT_TAG: self.config.deployment,
            LAUNCH_ID_TAG: attempt.launch.launch_id,
        }
        if identity.map_index >= 0:
            tags["airflow-fargate:map-index"] = str(identity.map_index)
        return [
            {"key": key, "value": _NOT_IN_TAGS.sub("_", value)[:MAX_TAG_VALUE]}
            for key, value in sorted(tags.items())
        ]

    def _check(self, request: Mapping[str, Any], command: list[str]) -> None:
        if not self._carries(request, command):
            # The image's own command would run instead, exit with 0, and count as the task's success.
            raise RequestError(
                "The request must run Airflow's command in the container "
                f"{self.config.container_name!r}. execution_config_function, and run_task in executor_config "
                "or a profile, must keep the command; a wrapper around it is allowed."
            )
        if _name(request["cluster"]) != _name(self.config.cluster):
            # Tasks are described and stopped in one cluster only.
            raise RequestError(
                f"The request's cluster must be {self.config.cluster!r} as in [fargate] cluster, got "
                f"{request['cluster']!r}. One executor runs tasks in one cluster."
            )
        if len(request["tags"]) > MAX_TAGS:
            raise RequestError(f"A task may have at most {MAX_TAGS} tags, got {len(request['tags'])}.")

    def _carries(self, request: Mapping[str, Any], command: list[str]) -> bool:
        """Return whether the worker container gets the command, as it is or inside a wrapper."""
        containers = (request.get("overrides") or {}).get("containerOverrides") or ()
        ours = [each for each in containers if each.get("name") == self.config.container_name]
        if len(ours) != 1:
            return False
        words = list(ours[0].get("command") or ())
        parts = (words[start : start + len(command)] for start in range(len(words)))
        lines = (shlex.join(command), " ".join(command))
        return command in parts or any(line in word for word in words for line in lines)


def _reject(source: str, errors: str) -> None:
    """Raise :class:`RequestError` if there are errors; ``source`` says who wrote the request."""
    if errors:
        raise RequestError(f"{source}: RunTask would reject it: {errors}")


def _strategy(capacity: str) -> list[dict[str, Any]]:
    return [{"capacityProvider": capacity, "weight": 1}]


def _is_fargate(capacity: str) -> bool:
    """Return whether a capacity provider or launch type is Fargate's; AWS reserves the prefix."""
    return capacity.startswith("FARGATE")


def _name(cluster: str) -> str:
    return cluster.rsplit("/", 1)[-1]


@cache
def _run_task_input() -> Any:
    from botocore.loaders import Loader  # noqa: PLC0415  a megabyte of model, read when first used
    from botocore.model import ServiceModel  # noqa: PLC0415  the same

    service = ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs")
    return service.operation_model("RunTask").input_shape


def request_faults(request: Mapping[str, Any]) -> str:
    """Validate keyword arguments of run_task, without a client or a call.

    Returns:
        The errors, each with its key; empty if there are none.
    """
    from botocore.validate import ParamValidator  # noqa: PLC0415  with the model, above

    report = ParamValidator().validate(dict(request), _run_task_input())
    return str(report.generate_report()).replace("\n", "; ")
