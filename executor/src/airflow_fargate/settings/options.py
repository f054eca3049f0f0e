"""The options of section ``[fargate]``, declared once.

Airflow lists them (``airflow config list --section fargate``, by the provider entry point), ``config.py``
parses their values, and Terraform writes them. ``python -m airflow_fargate.settings.options FILE...`` writes
``terraform/config_keys.json`` and ``docs/configuration.md``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal

SECTION = "fargate"
DISTRIBUTION = "airflow-fargate"
DOCUMENTATION = "https://OWNER.github.io/airflow-fargate/"

Kind = Literal["string", "boolean", "integer", "float", "list", "json"]


@dataclass(frozen=True)
class Option:
    """One option of ``[fargate]``.

    Args:
        name: the key in the section.
        kind: how the text is parsed. A ``list`` is separated by commas; spaces around items are ignored.
        default: the text that applies if nothing is configured; None if there is no default.
        description: what it does, in sentences.
        example: a value as a user would write it.
        aip29: whether AIP-29 (AIRFLOW-6440) proposed it.
        terraform: whether the Terraform output ``airflow_cfg`` may set it.
        required: whether the executor needs it to start.
        choices: the allowed values; empty if any value is allowed.
        form: a regular expression that the value, or each item of a list, must match, and words for it.
        smallest: the smallest number allowed.
        largest: the largest number allowed.
    """

    name: str
    kind: Kind
    default: str | None
    description: str
    example: str | None = None
    aip29: bool = False
    terraform: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    form: tuple[str, str] = (".*", "")
    smallest: float = 1
    largest: float = 1_000_000


OPTIONS: tuple[Option, ...] = (
    Option(
        "region",
        "string",
        None,
        "AWS region of the cluster. If empty, boto3 finds it (environment, profile, instance).",
        "us-east-1",
        aip29=True,
        terraform=True,
        form=(r"[a-z]{2,4}(-[a-z]+)+-\d+", "an AWS region such as us-east-1"),
    ),
    Option(
        "cluster",
        "string",
        None,
        "Name or ARN of the ECS cluster that runs the task containers.",
        "airflow",
        aip29=True,
        terraform=True,
        required=True,
    ),
    Option(
        "task_definition",
        "string",
        None,
        "Family, family:revision or ARN of the worker's task definition. The executor never registers one.",
        "airflow-worker",
        aip29=True,
        terraform=True,
        required=True,
    ),
    Option(
        "container_name",
        "string",
        None,
        "Name of the container in the task definition that runs Airflow's command. Its exit code decides "
        "whether the task succeeded; exit codes of sidecars do not count.",
        "worker",
        aip29=True,
        terraform=True,
        required=True,
    ),
    Option(
        "security_groups",
        "list",
        "",
        "Security groups of the task's network interface, at most 5.",
        "sg-0123456789abcdef0",
        aip29=True,
        terraform=True,
        form=("sg-[A-Za-z0-9]+", "ids such as sg-0aaa"),
    ),
    Option(
        "subnets",
        "list",
        None,
        "Subnets of the tasks, at most 16. Use two or more Availability Zones, so that launches continue "
        "when one zone has no capacity.",
        "subnet-0aaa,subnet-0bbb",
        aip29=True,
        terraform=True,
        required=True,
        form=("subnet-[A-Za-z0-9]+", "ids such as subnet-0aaa"),
    ),
    Option(
        "platform_version",
        "string",
        "LATEST",
        "Fargate platform version. Not sent when launch_type is EC2.",
        "1.4.0",
        aip29=True,
        terraform=True,
        form=(r"LATEST|\d+\.\d+\.\d+", "LATEST or a version such as 1.4.0"),
    ),
    Option(
        "launch_type",
        "string",
        "FARGATE",
        "Where tasks run: FARGATE, or EC2 (container instances of the cluster). AIP-29's word ECS means EC2.",
        "FARGATE",
        aip29=True,
        terraform=True,
        choices=("FARGATE", "EC2"),
    ),
    Option(
        "assign_public_ip",
        "string",
        "DISABLED",
        "Whether the task gets a public address: ENABLED or DISABLED (true and false work, too). In public "
        "subnets without NAT, tasks need ENABLED to pull the image. It applies to Fargate only: a task on "
        "another capacity provider never gets a public address.",
        "DISABLED",
        aip29=True,
        terraform=True,
        choices=("ENABLED", "DISABLED"),
    ),
    Option(
        "execution_config_function",
        "string",
        "",
        "Import path of a function without arguments that returns a function. The returned function takes "
        "the Airflow command (a list of strings) and returns the keyword arguments of boto3's run_task. If "
        "empty, the request is built from the options of this section.",
        "my_company.airflow.fargate_request",
        aip29=True,
    ),
    Option(
        "deployment",
        "string",
        "airflow",
        "Name of this Airflow deployment. It is part of every task's startedBy and tags, so that two "
        "Airflows can share a cluster. At most 64 letters, digits, hyphens and underscores.",
        "airflow",
        terraform=True,
        form=("[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, hyphens and underscores"),
    ),
    Option(
        "capacity_chain",
        "list",
        "",
        "Capacity providers, in the order in which they are tried if one has no capacity: FARGATE_SPOT, "
        "FARGATE, or capacity providers of the cluster. If empty, launch_type applies.",
        "FARGATE_SPOT,FARGATE",
        terraform=True,
    ),
    Option(
        "event_queue_url",
        "string",
        "",
        "URL of the SQS queue that receives the cluster's ECS task state changes. If empty, the executor "
        "describes every task at each reconcile_interval, which is slower and takes more calls.",
        "https://sqs.us-east-1.amazonaws.com/123456789012/airflow-task-events",
        terraform=True,
    ),
    Option(
        "payload_bucket",
        "string",
        "",
        "S3 bucket that passes each task's workload, with its token, to the container. If empty, the "
        "workload is part of the container override, where anyone who may describe tasks can read it.",
        "airflow-payloads",
        terraform=True,
    ),
    Option(
        "payload_prefix",
        "string",
        "workloads",
        "Prefix of the payload objects in payload_bucket.",
        "workloads/airflow",
        terraform=True,
    ),
    Option(
        "log_group",
        "string",
        "",
        "CloudWatch log group of the worker container. The executor reads its last lines to explain a "
        "failure, and Airflow shows the log of a running task from it.",
        "/airflow/worker",
        terraform=True,
        form=("[^:]*", "the name of a log group such as /airflow/worker"),
    ),
    Option(
        "log_stream_prefix",
        "string",
        "",
        "awslogs-stream-prefix of the worker container. Streams are named prefix/container/task id.",
        "worker",
        terraform=True,
    ),
    Option(
        "launch_timeout",
        "float",
        "540",
        "Seconds for which a launch is retried if it did not start because of a transient error (no "
        "capacity, throttling, no network interface). Then the task fails. Keep it below [scheduler] "
        "task_queued_timeout.",
        smallest=1,
        largest=86400,
    ),
    Option(
        "launcher_threads",
        "integer",
        None,
        "Threads that call RunTask. If empty, as many as run_task_rate needs at 0.4 seconds per launch, 4 to "
        "64.",
        "16",
        smallest=1,
        largest=256,
    ),
    Option(
        "run_task_rate",
        "float",
        "20",
        "RunTask calls per second that AWS allows the account (default quota for Fargate: 20).",
        smallest=0.1,
        largest=10000,
    ),
    Option(
        "run_task_burst",
        "integer",
        "20",
        "RunTask calls that AWS allows at once (default quota for Fargate: 20).",
        smallest=1,
        largest=10000,
    ),
    Option(
        "launch_rate",
        "float",
        "20",
        "Task launches per second that the account's Fargate quota allows, for On-Demand and for Spot each.",
        smallest=0.1,
        largest=10000,
    ),
    Option(
        "launch_burst",
        "integer",
        "100",
        "Task launches that the quota allows at once, for On-Demand and for Spot each.",
        smallest=1,
        largest=10000,
    ),
    Option(
        "reconcile_interval",
        "float",
        None,
        "Seconds without news after which a task is described. If empty, 60 with event_queue_url and 10 "
        "without. Without a queue, the end of a task is noticed after up to this time.",
        "10",
        smallest=1,
        largest=3600,
    ),
    Option(
        "end_timeout",
        "float",
        "30",
        "Seconds for which a stopping scheduler waits for launches in flight. Running tasks continue, and "
        "the next scheduler adopts them.",
        smallest=1,
        largest=3600,
    ),
    Option(
        "tags",
        "json",
        "{}",
        "Tags for every task, in addition to the standard ones, as a JSON object. At most 40.",
        '{"team": "data"}',
        terraform=True,
    ),
    Option(
        "task_cpu",
        "integer",
        None,
        "CPU units of the task definition. If set, a task that overrides only `memory` gets a matching CPU.",
        "512",
        terraform=True,
    ),
    Option(
        "task_memory",
        "integer",
        None,
        "Memory of the task definition in MiB. If set, a task that overrides only `cpu` gets matching "
        "memory, and the message of a task that ran out of memory says how much it had.",
        "2048",
        terraform=True,
    ),
    Option(
        "profiles",
        "json",
        "{}",
        "Task options per Airflow queue, as a JSON object: queue name -> an object with the keys of "
        "executor_config.",
        '{"big": {"cpu": 4096, "memory": 16384}}',
    ),
    Option(
        "round_up_sizes",
        "boolean",
        "False",
        "Round cpu and memory up to the nearest size that Fargate offers, instead of rejecting the task.",
    ),
    Option(
        "standby",
        "json",
        "{}",
        "Standby containers per queue, as a JSON object: queue -> min, max, windows. They start before there "
        "is a task, so that one begins within two seconds. Needs payload_bucket and Airflow 3.2.2.",
        '{"default": {"min": 2, "windows": [{"hours": "06:00-08:00", "min": 10}]}}',
        terraform=True,
    ),
    Option(
        "standby_poll",
        "float",
        "0.5",
        "Seconds between two looks of an idle standby for a task; each is one S3 request.",
        smallest=0.1,
        largest=60,
    ),
    Option(
        "standby_claim_timeout",
        "float",
        "5",
        "Seconds that a standby has to take a task offered to it; after that the task is launched cold.",
        smallest=2,
        largest=120,
    ),
    Option(
        "standby_idle_timeout",
        "float",
        "3600",
        "Seconds after its start at which a standby without a task exits. A new one replaces it.",
        smallest=60,
        largest=43200,
    ),
    Option(
        "standby_preload",
        "list",
        "",
        "Your own modules that a standby imports before it has a task.",
        "pandas,my_company.airflow",
        terraform=True,
        form=(r"[^\W\d]\w*(\.[^\W\d]\w*)*", "names of modules such as pandas"),
    ),
)


def get_provider_info() -> dict[str, Any]:
    """Return the metadata that Airflow reads from an installed provider (``apache_airflow_provider``)."""
    from airflow_fargate.settings.provider import provider_info  # noqa: PLC0415  it imports this module

    return provider_info()


if __name__ == "__main__":
    from airflow_fargate.settings.option_files import main

    raise SystemExit(main(sys.argv[1:]))
