"""``airflow fargate ...``: the commands for people, and the one that the worker container runs.

Airflow reads the commands whenever its CLI starts, so each command's module is imported when it is called.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from typing import TYPE_CHECKING, Any

from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.cli.cli_config import GroupCommand


def commands() -> list[GroupCommand]:
    """Return the command group for Airflow's CLI."""
    from airflow.cli.cli_config import (  # noqa: PLC0415  not for schedulers
        ARG_OUTPUT,
        ActionCommand,
        Arg,
        GroupCommand,
        positive_int,
    )

    positive = positive_int(allow_zero=False)
    team = Arg(("--team",), help="Use the options of this team (Airflow 3.2 and later)")
    return [
        GroupCommand(
            name="fargate",
            help="Inspect and manage tasks in Fargate containers",
            subcommands=(
                ActionCommand(
                    name="doctor",
                    help="Check the configuration, the credentials and the AWS resources that tasks need",
                    description="Print a line per check: ok, FAIL with what to do, or ? if a check was not "
                    "possible. Exit with 1 if a check failed.",
                    func=_lazy("doctor"),
                    args=(ARG_OUTPUT, team),
                ),
                ActionCommand(
                    name="tasks",
                    help="List the running containers of this deployment",
                    description="List the running containers of this deployment, the oldest first, with what "
                    "they have cost so far.",
                    func=_lazy("tasks"),
                    args=(
                        Arg(
                            ("-w", "--watch"),
                            type=positive,
                            metavar="SECONDS",
                            help="Repeat every SECONDS until Ctrl-C",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="reap",
                    help="List containers of this deployment without a task instance; --yes stops them",
                    func=_lazy("reap"),
                    args=(
                        Arg(("-y", "--yes"), action="store_true", help="Stop them"),
                        Arg(
                            ("--older-than",),
                            type=positive_int(allow_zero=True),
                            default=600,
                            metavar="SECONDS",
                            help="Skip containers younger than SECONDS (600)",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="render",
                    help="Print the RunTask request that a task would be launched with",
                    description="Print the RunTask request that a task would be launched with, for a task in "
                    "Airflow's database or for an executor_config. It is checked, and not sent.",
                    func=_lazy("render"),
                    args=(
                        Arg(("dag_id",), nargs="?", help="A DAG that has run"),
                        Arg(("task_id",), nargs="?", help="Its task"),
                        Arg(
                            ("-r", "--run-id"), help="A run of the DAG; by default the one that started last"
                        ),
                        Arg(("--map-index",), type=int, default=-1, help="The index of a mapped task"),
                        Arg(
                            ("--executor-config",),
                            metavar="JSON",
                            help="An executor_config as a JSON object, instead of the task's own",
                        ),
                        Arg(("--queue",), help="A queue whose profile applies, instead of the task's own"),
                        Arg(
                            ("--standby",),
                            action="store_true",
                            help="The request of a standby container of the queue",
                        ),
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
                    help="Show the cost of containers by DAG and day",
                    description="Show the cost of containers by DAG and day: an estimate from Airflow's task "
                    "history or from ECS, or AWS's bill.",
                    func=_lazy("cost"),
                    args=(
                        Arg(("--days",), type=positive, default=7, help="Days to look back (7)"),
                        Arg(
                            ("--from",),
                            dest="source",
                            choices=("history", "ecs", "bill"),
                            default="history",
                            help="history: Airflow's task history (the default). ecs: the tasks of about the "
                            "last hour. bill: Cost Explorer, by the tasks' tags (0.01 USD per call)",
                        ),
                        Arg(
                            ("--vcpu-hour",),
                            type=_price,
                            metavar="USD",
                            help="Price of a vCPU-hour, On-Demand (us-east-1: x86 0.04048, ARM 0.03238)",
                        ),
                        Arg(
                            ("--gb-hour",),
                            type=_price,
                            metavar="USD",
                            help="Price of a GB-hour, On-Demand (us-east-1: x86 0.004445, ARM 0.00356)",
                        ),
                        ARG_OUTPUT,
                        team,
                    ),
                ),
                ActionCommand(
                    name="run-workload",
                    help="Run a workload; this is the command of the worker container",
                    func=_lazy("run_workload"),
                    args=(Arg(("reference",), help="s3://bucket/key, or a workload inline"),),
                ),
                ActionCommand(
                    name="standby",
                    help="Wait for a task and run it; this is the command of a standby container",
                    func=_lazy("standby"),
                    args=(Arg(("reference",), help="s3://bucket/standby/id"),),
                ),
            ),
        )
    ]


def _price(text: str) -> float:
    """Parse a price.

    Raises:
        argparse.ArgumentTypeError: the text is not a price.
    """
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"must be a price in USD such as 0.04048, got {text!r}")
    return price


def _lazy(name: str) -> Callable[[Any], None]:
    """Return a function that imports ``cli.<name>`` when it is called, and calls its ``main``."""

    def call(args: Any) -> None:
        main = importlib.import_module(f"airflow_fargate.cli.{name}").main
        try:
            code = main(args)
        except Exception as error:
            # A library's traceback does not help the user; the cause and the remedy do.
            room = type(error).__module__.partition(".")[0]
            if room == "sqlalchemy":
                sys.stderr.write(_without_database(error))
            elif room in ("botocore", "boto3"):
                from airflow_fargate.cli.findings import explain  # noqa: PLC0415  after an error only

                sys.stderr.write(f"{explain(error)}\nRun `airflow fargate doctor` to check everything.\n")
            else:
                raise
            code = 1
        raise SystemExit(code)

    return call


def _without_database(error: Exception) -> str:
    said = clean(getattr(error, "orig", None) or error, 300)
    return (
        f"Airflow's database could not be read: {said} Run the command where the scheduler runs, with its "
        "[database] sql_alchemy_conn. `airflow db check` tries the connection.\n"
    )
