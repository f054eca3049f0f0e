"""The containers of past tries, from Airflow's task history: ECS forgets a stopped task after an hour."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_fargate.airflow_versions import is_launch_id, tries_since
from airflow_fargate.aws.ecs_task import EcsTask
from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.settings.task_options import (
    NO_OPTIONS,
    effective_options,
    parse_task_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.airflow_versions import TaskTry
    from airflow_fargate.settings.config import FargateConfig


def past_containers(config: FargateConfig, since: float) -> Iterator[tuple[str, EcsTask]]:
    """Yield the DAG and the container, as ECS would describe it, of every try after ``since`` (seconds)."""
    for each in tries_since(datetime.fromtimestamp(since, tz=timezone.utc)):
        if ":task/" in each.external_id or is_launch_id(each.external_id):
            yield each.dag_id, container_of(config, each)


def container_of(config: FargateConfig, tried: TaskTry) -> EcsTask:
    """Return a try's container, as ECS would describe it if the configuration has not changed since."""
    profile = config.profiles.get(tried.queue, NO_OPTIONS)
    try:
        options = effective_options(
            config, profile, parse_task_options("executor_config", tried.executor_config)
        )
    except TaskOptionsError:
        options = profile  # It has changed since the try: the options it ran with are unknown.
    chain = options.capacity or config.capacity_chain or (config.launch_type,)
    times = {"createdAt": tried.started, "startedAt": tried.started, "stoppedAt": tried.ended}
    ours = options.task_definition in (None, config.task_definition)
    return EcsTask(
        arn=tried.external_id,
        last_status="STOPPED" if tried.ended else "RUNNING",
        capacity_provider=chain[0],
        timeline=tuple((name, when.timestamp()) for name, when in times.items() if when is not None),
        cpu=options.cpu or (config.task_cpu if ours else None),
        memory=options.memory or (config.task_memory if ours else None),
        storage=options.ephemeral_storage,
    )
