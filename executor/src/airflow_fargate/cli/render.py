"""``airflow fargate render``: the exact RunTask request of a task, checked, and not sent."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING

from airflow_fargate import payload
from airflow_fargate.cli.session import open_session
from airflow_fargate.errors import FargateError
from airflow_fargate.executor import load_hook, parse_profiles
from airflow_fargate.launch import Attempt, Details, Launch, TaskIdentity
from airflow_fargate.request_model import request_faults
from airflow_fargate.run_request import RunRequestBuilder
from airflow_fargate.task_options import TaskOptions, effective_options, parse_task_options

if TYPE_CHECKING:
    import argparse


def main(args: argparse.Namespace) -> int:
    """Print the request as JSON; return 1 with a sentence when the task would be refused."""
    config = open_session().config
    try:
        own = parse_task_options("--executor-config", json.loads(args.executor_config))
        profile = parse_profiles(config).get(args.queue, TaskOptions())
        options = effective_options(config, profile, own)
        identity = TaskIdentity("<dag id>", "<task id>", "<run id>", 1)
        launch = Launch("key", str(uuid.UUID(int=0)), 1, Details(identity, options))
        attempt = Attempt(launch, number=0, capacity=0, deadline=0.0)
        place = f"s3://{config.payload_bucket}/{config.payload_prefix}/{launch.launch_id}.json"
        command = payload.command_for(place if config.payload_bucket else "json:<the workload>")
        builder = RunRequestBuilder(config, load_hook(config.execution_config_function), request_faults)
        request = builder.build(attempt, command)
    except (FargateError, json.JSONDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(request, indent=2) + "\n")
    return 0
