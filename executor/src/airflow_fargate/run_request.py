"""From a launch to the keyword arguments of boto3's run_task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import RequestError

if TYPE_CHECKING:
    from airflow_fargate.config import FargateConfig
    from airflow_fargate.launch import Attempt
    from airflow_fargate.task_options import TaskOptions

MAX_OVERRIDES = 8192  # characters, JSON formatting included (ECS API reference, RunTask)
MAX_TAGS = 50
MAX_TAG_VALUE = 256
LAUNCH_ID_TAG = "airflow-fargate:launch-id"
DEPLOYMENT_TAG = "airflow-fargate:deployment"

_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+\-@]")

# What a hook need not return: it is checked before these are filled in.
_REQUIRED = {"taskDefinition": "?"}

Hook = Callable[[list[str]], Mapping[str, Any]]
Validate = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class RunRequestBuilder:
    """Builds requests; knows the configuration and calls nothing.

    Args:
        config: the ``[fargate]`` section.
        hook: the function that ``execution_config_function`` returned, or None.
        validate: checks keyword arguments against botocore's model of RunTask; returns the faults in words,
            empty when there are none.
    """

    config: FargateConfig
    hook: Hook | None
    validate: Validate

    def chain(self, attempt: Attempt) -> tuple[str, ...]:
        """Return the capacity providers, or the launch type, that a launch may go through, in order."""
        return attempt.launch.options.capacity or self.config.capacity_chain or (self.config.launch_type,)

    def capacity(self, attempt: Attempt) -> str:
        """Return the capacity provider, or launch type, that this attempt asks for."""
        chain = self.chain(attempt)
        return chain[attempt.capacity % len(chain)]

    def build(self, attempt: Attempt, command: list[str]) -> dict[str, Any]:
        """Return the keyword arguments of run_task.

        The same attempt and command give the same request to the byte: AWS knows a repeated launch by that.

        Raises:
            RequestError: the hook failed, or AWS would not take what came out.
        """
        options = attempt.launch.options
        request = self._hooked(command) if self.hook is not None else self._own(attempt, options, command)
        request = dict(_lay_over(request, options.run_task))
        # What we make of checked options is valid by construction (tests/fuzz holds it against the model):
        # walking the model for each launch would cost a tenth of its CPU.
        foreign = self.hook is not None or bool(options.run_task)
        if foreign:
            # Before we read it: a hook's tags may be anything.
            self._refuse(self.validate({**_REQUIRED, **request}))
        # Ours whatever the hook and the escape say: launching exactly once stands on them.
        request["cluster"] = request.get("cluster") or self.config.cluster
        request["count"] = 1
        request["clientToken"] = attempt.client_token
        request["startedBy"] = f"{self.config.deployment}/{attempt.launch.launch_id}"
        request["tags"] = self._tags(attempt, request.get("tags") or ())
        if foreign:
            self._refuse(self.validate(request))
        self._check(request)
        return request

    def _refuse(self, faults: str) -> None:
        source = "execution_config_function" if self.hook is not None else "the request"
        if faults:
            raise RequestError(f"[fargate] {source}: RunTask would not take it: {faults}")

    def overrides_fit(self, request: Mapping[str, Any]) -> bool:
        """Say whether the overrides are within what RunTask takes."""
        return self.overrides_size(request) <= MAX_OVERRIDES

    @staticmethod
    def overrides_size(request: Mapping[str, Any]) -> int:
        """Return the characters that the overrides take, JSON formatting included."""
        return len(json.dumps(request.get("overrides") or {}))

    def _own(self, attempt: Attempt, options: TaskOptions, command: list[str]) -> dict[str, Any]:
        config = self.config
        container: dict[str, Any] = {"name": config.container_name, "command": command}
        if options.env:
            container["environment"] = [{"name": name, "value": value} for name, value in options.env.items()]
        overrides: dict[str, Any] = {"containerOverrides": [container]}
        if options.cpu is not None:
            overrides["cpu"] = str(options.cpu)
        if options.memory is not None:
            overrides["memory"] = str(options.memory)
        if options.ephemeral_storage is not None:
            overrides["ephemeralStorage"] = {"sizeInGiB": options.ephemeral_storage}
        if options.task_role is not None:
            overrides["taskRoleArn"] = options.task_role
        network: dict[str, Any] = {"subnets": list(options.subnets or config.subnets)}
        if config.security_groups:
            network["securityGroups"] = list(config.security_groups)
        capacity = self.capacity(attempt)
        if config.launch_type == "FARGATE" or capacity.startswith("FARGATE"):
            network["assignPublicIp"] = config.assign_public_ip
        request: dict[str, Any] = {
            "cluster": config.cluster,
            "taskDefinition": options.task_definition or config.task_definition,
            "networkConfiguration": {"awsvpcConfiguration": network},
            "overrides": overrides,
            "enableECSManagedTags": True,
            # Without it a task has none of its definition's tags (ECS API reference, RunTask).
            "propagateTags": "TASK_DEFINITION",
        }
        if capacity in ("FARGATE", "EC2") and not (options.capacity or config.capacity_chain):
            request["launchType"] = capacity
        else:
            request["capacityProviderStrategy"] = [{"capacityProvider": capacity, "weight": 1}]
        if capacity.startswith("FARGATE"):
            request["platformVersion"] = config.platform_version
        return request

    def _hooked(self, command: list[str]) -> dict[str, Any]:
        name = self.config.execution_config_function
        try:
            result = self.hook(list(command)) if self.hook is not None else {}
        except Exception as error:
            raise RequestError(f"[fargate] execution_config_function {name} raised {error!r}.") from error
        if not isinstance(result, Mapping):
            raise RequestError(
                f"[fargate] execution_config_function {name} returned {type(result).__name__}: a dictionary "
                "of run_task's keyword arguments is needed."
            )
        return dict(result)

    def _tags(self, attempt: Attempt, theirs: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
        identity = attempt.launch.identity
        theirs = list(theirs)
        if not all(each.get("key") for each in theirs):
            self._refuse("a tag has no key.")
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
        if identity.owner:
            tags["airflow-fargate:owner"] = identity.owner
        return [
            {"key": key, "value": _NOT_IN_TAGS.sub("_", value)[:MAX_TAG_VALUE]}
            for key, value in sorted(tags.items())
        ]

    def _check(self, request: Mapping[str, Any]) -> None:
        if _name(request["cluster"]) != _name(self.config.cluster):
            # Tasks are described and stopped in one cluster; elsewhere they would be lost.
            raise RequestError(
                f"The request names the cluster {request['cluster']!r}; [fargate] cluster is "
                f"{self.config.cluster!r}. One executor runs tasks in one cluster."
            )
        if len(request["tags"]) > MAX_TAGS:
            raise RequestError(f"The task has {len(request['tags'])} tags; ECS takes {MAX_TAGS}.")


def _name(cluster: str) -> str:
    return cluster.rsplit("/", 1)[-1]


def _lay_over(below: Any, above: Any) -> Any:
    """Return ``below`` with ``above`` laid over it: dictionaries are joined, everything else is replaced."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        joined = dict(below)
        for key, value in above.items():
            joined[key] = _lay_over(below[key], value) if key in below else value
        return joined
    return above
