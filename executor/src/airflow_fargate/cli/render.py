"""``airflow fargate render``: print the RunTask request of a task. It is checked, and not sent."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions import is_launch_id, latest_try
from airflow_fargate.cli.requests import NO_LAUNCH_ID, PLACEHOLDER, sample_request, sample_standby_request
from airflow_fargate.cli.session import open_session
from airflow_fargate.errors import FargateError, TaskOptionsError
from airflow_fargate.executor import load_hook
from airflow_fargate.settings.task_options import NO_OPTIONS, effective_options, parse_task_options
from airflow_fargate.tasks.launch import TaskIdentity
from airflow_fargate.text import shown

if TYPE_CHECKING:
    import argparse

    from airflow_fargate.settings.config import FargateConfig

_FLAG = "--executor-config"


class _NoSuchTaskError(FargateError):
    """Airflow's database has no such task instance."""


def main(args: argparse.Namespace) -> int:
    """Print the request as JSON; return 1 with a message if the executor would reject the task."""
    config = open_session(args).config
    if args.hook:
        config = replace(config, execution_config_function=args.hook)
    try:
        identity, queue, executor_config, launch_id = _requested(args)
        source = "executor_config" if args.executor_config is None else _FLAG
        own = parse_task_options(source, executor_config)
        _note_queue(args, config)
        options = effective_options(config, config.profiles.get(queue, NO_OPTIONS), own, source)
        hook = load_hook(config.execution_config_function)
        if getattr(args, "standby", False):
            request = sample_standby_request(config, hook, options, queue)
        else:
            request = sample_request(config, hook, options, identity, launch_id)
    except FargateError as error:
        text = str(error)
        if args.hook:
            text = text.replace("[fargate] execution_config_function", "--hook")
        sys.stderr.write(f"{text}\n")
        return 1
    sys.stdout.write(json.dumps(request, indent=2) + "\n")
    return 0


def _note_queue(args: argparse.Namespace, config: FargateConfig) -> None:
    """Print a note if no option names the queue: it may be misspelled."""
    what, known = "standby" if getattr(args, "standby", False) else "profiles", config.profiles
    if what == "standby":
        known = config.standby
    if args.queue and args.queue not in known:
        named = ", ".join(known) or "none"
        sys.stderr.write(f"Note: [fargate] {what} has no queue {args.queue!r}. It has: {named}.\n")


def _requested(args: argparse.Namespace) -> tuple[TaskIdentity, str, Any, str]:
    """Return the task instance, its queue, its executor_config and its launch id.

    Raises:
        FargateError: the arguments are wrong, or there is no such task.
    """
    given = None if args.executor_config is None else _parse(args.executor_config)
    if not args.dag_id:
        return PLACEHOLDER, args.queue or "default", given, NO_LAUNCH_ID
    if not args.task_id:
        raise _NoSuchTaskError(
            f"TASK_ID is required after DAG_ID: airflow fargate render {args.dag_id} TASK_ID."
        )
    found = latest_try(args.dag_id, args.task_id, args.run_id, args.map_index)
    if found is None:
        mapped = f" with map index {args.map_index}" if args.map_index >= 0 else ""
        run = f" in run {args.run_id!r}" if args.run_id else ""
        raise _NoSuchTaskError(
            f"Airflow's database has no task instance of task {args.task_id!r} in DAG {args.dag_id!r}"
            f"{run}{mapped}. Run the DAG first, or leave DAG_ID out and use {_FLAG} and --queue. A mapped "
            "task needs --map-index."
        )
    identity = TaskIdentity(found.dag_id, found.task_id, found.run_id, found.try_number, found.map_index)
    launch_id = found.external_id if is_launch_id(found.external_id) else NO_LAUNCH_ID
    executor_config = found.executor_config if given is None else given
    return identity, args.queue or found.queue, executor_config, launch_id


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaskOptionsError(
            f'{_FLAG} must be a JSON object such as \'{{"cpu": 1024, "memory": 2048}}\', got {shown(text)} '
            f"({error})."
        ) from None
