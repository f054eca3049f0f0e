"""The RunTask request of a task that does not exist, to see whether it is valid."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions import TAKES_COMMANDS
from airflow_fargate.executor import VERSIONS
from airflow_fargate.launching import payload
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.standby.fingerprint import fingerprint
from airflow_fargate.standby.keeper import standby_request
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity

if TYPE_CHECKING:
    from airflow_fargate.launching.request import Hook
    from airflow_fargate.settings.config import FargateConfig
    from airflow_fargate.settings.task_options import TaskOptions

PLACEHOLDER = TaskIdentity("<dag id>", "<task id>", "<run id>", 1)
NO_LAUNCH_ID = str(uuid.UUID(int=0))


def sample_request(
    config: FargateConfig,
    hook: Hook | None,
    options: TaskOptions,
    identity: TaskIdentity = PLACEHOLDER,
    launch_id: str = NO_LAUNCH_ID,
) -> dict[str, Any]:
    """Return the keyword arguments of run_task for a task with these options; nothing is sent.

    Args:
        config: the ``[fargate]`` section.
        hook: the function that ``execution_config_function`` returned, or None.
        options: the task's effective options.
        identity: the task instance.
        launch_id: its launch id.

    Raises:
        RequestError: the hook failed, or RunTask would reject the request.
    """
    launch = Launch("key", launch_id, 1, identity, options)
    builder = RunRequestBuilder(config, hook, request_faults)
    command = _command(config, identity, launch_id)
    request = builder.build(Attempt(launch, number=0, capacity=0, deadline=0.0), command)
    if not builder.overrides_fit(request):
        raise payload.too_large(builder.overrides_size(request), inline=False)
    return request


def sample_standby_request(
    config: FargateConfig, hook: Hook | None, options: TaskOptions, queue: str
) -> dict[str, Any]:
    """Return the keyword arguments of run_task for a standby of a queue; nothing is sent.

    Raises:
        RequestError: the hook failed, or RunTask would reject the request.
    """
    reference = f"s3://{config.payload_bucket}/{config.standby_root}standby/{NO_LAUNCH_ID}"
    launch = Launch(
        "key", NO_LAUNCH_ID, 1, PLACEHOLDER, options, ("airflow", "fargate", "standby", reference)
    )
    builder = RunRequestBuilder(config, hook, request_faults)
    return standby_request(
        builder,
        Attempt(launch, number=0, capacity=0, deadline=0.0),
        queue,
        lambda request: fingerprint(request, config.container_name, VERSIONS),
    )


def _command(config: FargateConfig, identity: TaskIdentity, launch_id: str) -> list[str]:
    if TAKES_COMMANDS:
        mapped = ["--map-index", str(identity.map_index)] if identity.map_index >= 0 else []
        names = [identity.dag_id, identity.task_id, identity.run_id]
        return ["airflow", "tasks", "run", *names, "--local", *mapped]
    place = "/".join(
        filter(None, (config.payload_bucket, config.payload_prefix.strip("/"), f"{launch_id}.json"))
    )
    return payload.command_for(f"s3://{place}" if config.payload_bucket else "json:<the workload>")
