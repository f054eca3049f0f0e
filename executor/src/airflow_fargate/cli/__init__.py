"""``airflow fargate ...``: what a person, and the worker's container, can call.

Airflow asks for the commands at every start of its CLI, so nothing here imports what only a command needs.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.cli.cli_config import GroupCommand


def commands() -> list[GroupCommand]:
    """Return the command group as Airflow's CLI takes it."""
    from airflow.cli.cli_config import (  # noqa: PLC0415  not for schedulers
        ARG_OUTPUT,
        ActionCommand,
        Arg,
        GroupCommand,
        positive_int,
    )

    whole = positive_int(allow_zero=False)
    team = Arg(("--team",), help="The team whose options are meant (Airflow 3.2 and later)")
    return [
        GroupCommand(
            name="fargate",
            help="Tasks in Fargate containers",
            subcommands=(
                ActionCommand(
                    name="doctor",
                    help="Check configuration, credentials and everything in AWS that tasks need",
                    description="A line for each check: ok, FAIL with what to do, or ? for what could not be "
                    "checked. Exit code 1 when something is to be done.",
                    func=_lazy("doctor"),
                    args=(ARG_OUTPUT, team),
                ),
                ActionCommand(
                    name="tasks",
                    help="List the containers of this deployment that run now",
                    description="List the containers of this deployment that run now, the oldest first, with "
                    "what they have cost so far.",
                    func=_lazy("tasks"),
                    args=(
                        Arg(
                            ("-w", "--watch"),
                            type=whole,
                            metavar="SECONDS",
                            help="Show them again every so many seconds, until Ctrl-C",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="reap",
                    help="List containers of ours that no task instance owns; --yes stops them",
                    func=_lazy("reap"),
                    args=(
                        Arg(("-y", "--yes"), action="store_true", help="Stop them"),
                        Arg(
                            ("--older-than",),
                            type=positive_int(allow_zero=True),
                            default=600,
                            metavar="SECONDS",
                            help="Leave containers alone that are younger than so many seconds (600)",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="render",
                    help="Print the RunTask request that a task would be launched with",
                    description="Print the RunTask request that a task would be launched with, checked and "
                    "not sent: of a task in Airflow's database, or of an executor_config by itself.",
                    func=_lazy("render"),
                    args=(
                        Arg(("dag_id",), nargs="?", help="A DAG that has run"),
                        Arg(("task_id",), nargs="?", help="Its task"),
                        Arg(("-r", "--run-id"), help="A run of it; the one that began last when left out"),
                        Arg(("--map-index",), type=int, default=-1, help="For a mapped task"),
                        Arg(
                            ("--executor-config",),
                            metavar="JSON",
                            help="An executor_config, instead of the task's own",
                        ),
                        Arg(("--queue",), help="A queue, for its profile, instead of the task's own"),
                        Arg(
                            ("--hook",),
                            metavar="MODULE.FUNCTION",
                            help="An execution_config_function, instead of the configured one",
                        ),
                        team,
                    ),
                ),
                ActionCommand(
                    name="migrate",
                    help="Translate another ECS executor's configuration",
                    description="Print the executor's section, made of AwsEcsExecutor's options, with a "
                    "comment for each that has no counterpart. Nothing is changed.",
                    func=_lazy("migrate"),
                    args=(
                        Arg(
                            ("--from",),
                            dest="file",
                            metavar="FILE",
                            help="An airflow.cfg to read; otherwise Airflow's own configuration is read",
                        ),
                        Arg(
                            ("--section",),
                            help="The section to translate: aws_ecs_executor (the default) or ecs_fargate",
                        ),
                    ),
                ),
                ActionCommand(
                    name="cost",
                    help="Say what containers cost, by DAG and day",
                    description="Say what containers cost, by DAG and day: an estimate from Airflow's task "
                    "history or from ECS, or AWS's bill.",
                    func=_lazy("cost"),
                    args=(
                        Arg(("--days",), type=whole, default=7, help="How far to look back (7)"),
                        Arg(
                            ("--from",),
                            dest="source",
                            choices=("history", "ecs", "bill"),
                            default="history",
                            help="history: Airflow's task history (the default). ecs: the last hour, as ECS "
                            "knows it. bill: Cost Explorer, by the tasks' tags (0.01 USD a call)",
                        ),
                        Arg(
                            ("--vcpu-hour",),
                            type=float,
                            metavar="USD",
                            help="Price of a vCPU-hour, On-Demand (us-east-1: x86 0.04048, ARM 0.03238)",
                        ),
                        Arg(
                            ("--gb-hour",),
                            type=float,
                            metavar="USD",
                            help="Price of a GB-hour, On-Demand (us-east-1: x86 0.004445, ARM 0.00356)",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="run-workload",
                    help="Run a task's workload; this is the command of the worker container",
                    func=_lazy("run_workload"),
                    args=(Arg(("reference",), help="s3://bucket/key, or an inline workload"),),
                ),
            ),
        )
    ]


def _lazy(name: str) -> Callable[[Any], None]:
    """Return a function that imports ``cli.<name>`` when called, and calls its ``main``."""

    def call(args: Any) -> None:
        main = importlib.import_module(f"airflow_fargate.cli.{name}").main
        try:
            code = main(args)
        except Exception as error:
            if not type(error).__module__.startswith(("botocore.", "boto3.")):
                raise
            # What AWS, or the way to it, says is for a person; where in our code it was said is not.
            sys.stderr.write(
                f"{error}\n`airflow fargate doctor` looks at credentials, network and permissions.\n"
            )
            code = 1
        raise SystemExit(code)

    return call
