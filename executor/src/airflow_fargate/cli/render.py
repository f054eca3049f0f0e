"""``airflow fargate render``: the exact RunTask request of a task, checked, and not sent."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions import TAKES_COMMANDS, is_launch_id, latest_try
from airflow_fargate.cli.session import open_session
from airflow_fargate.errors import FargateError
from airflow_fargate.executor import load_hook, parse_profiles
from airflow_fargate.launching import payload
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import TaskOptions, effective_options, parse_task_options
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity

if TYPE_CHECKING:
    import argparse

    from airflow_fargate.settings.config import FargateConfig

_NOBODY = TaskIdentity("<dag id>", "<task id>", "<run id>", 1)


class _NoSuchTaskError(FargateError):
    """Airflow's database has no such task instance."""


def main(args: argparse.Namespace) -> int:
    """Print the request as JSON; return 1 with a sentence when the task would be refused."""
    config = open_session(args).config
    if args.hook:
        config = replace(config, execution_config_function=args.hook)
    try:
        hook = load_hook(config.execution_config_function)
        identity, queue, wishes, launch_id = _asked(args)
        own = parse_task_options("executor_config", wishes)
        profile = parse_profiles(config).get(queue, TaskOptions())
        launch = Launch("key", launch_id, 1, identity, effective_options(config, profile, own))
        builder = RunRequestBuilder(config, hook, request_faults)
        request = builder.build(
            Attempt(launch, number=0, capacity=0, deadline=0.0), _command(config, identity, launch_id)
        )
        if not builder.overrides_fit(request):
            raise payload.too_large(builder.overrides_size(request), inline=False)
    except (FargateError, json.JSONDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(request, indent=2) + "\n")
    return 0


def _asked(args: argparse.Namespace) -> tuple[TaskIdentity, str, Any, str]:
    """Return who is launched, its queue, its executor_config, its launch id.

    Raises:
        FargateError: no such task.
    """
    given = None if args.executor_config is None else json.loads(args.executor_config)
    nobody = str(uuid.UUID(int=0))
    if not args.dag_id:
        return _NOBODY, args.queue or "default", given, nobody
    if not args.task_id:
        raise _NoSuchTaskError(
            "A task is named by its DAG and itself: airflow fargate render DAG_ID TASK_ID."
        )
    found = latest_try(args.dag_id, args.task_id, args.run_id, args.map_index)
    if found is None:
        raise _NoSuchTaskError(
            f"Airflow's database has no task instance of {args.dag_id}.{args.task_id}"
            f"{f' in {args.run_id}' if args.run_id else ''} with map index {args.map_index}: a task is "
            "known once its DAG has run. Without DAG_ID, --executor-config and --queue say what to render."
        )
    identity = TaskIdentity(found.dag_id, found.task_id, found.run_id, found.try_number, found.map_index)
    launch_id = found.external_id if is_launch_id(found.external_id) else nobody
    wishes = found.executor_config if given is None else given
    return identity, args.queue or found.queue, wishes, launch_id


def _command(config: FargateConfig, identity: TaskIdentity, launch_id: str) -> list[str]:
    if TAKES_COMMANDS:
        mapped = ["--map-index", str(identity.map_index)] if identity.map_index >= 0 else []
        names = [identity.dag_id, identity.task_id, identity.run_id]
        return ["airflow", "tasks", "run", *names, "--local", *mapped]
    place = "/".join(
        filter(None, (config.payload_bucket, config.payload_prefix.strip("/"), f"{launch_id}.json"))
    )
    return payload.command_for(f"s3://{place}" if config.payload_bucket else "json:<the workload>")
