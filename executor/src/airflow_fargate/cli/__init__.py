"""``airflow fargate ...``: what a person, and the worker's container, can call.

Airflow asks for the commands at every start of its CLI, so nothing here imports what only a command needs.
"""

from __future__ import annotations

import importlib
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

    days = Arg(
        ("--days",), type=positive_int(allow_zero=False), default=1, help="How far to look back (at most 30)"
    )
    return [
        GroupCommand(
            name="fargate",
            help="Tasks in Fargate containers",
            subcommands=(
                ActionCommand(
                    name="doctor",
                    help="Check configuration, credentials and everything in AWS that tasks need",
                    func=_lazy("doctor"),
                    args=(),
                ),
                ActionCommand(
                    name="tasks",
                    help="List the containers of this deployment",
                    func=_lazy("tasks"),
                    args=(ARG_OUTPUT,),
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
                            help="Leave containers alone that are younger than so many seconds (600)",
                        ),
                        ARG_OUTPUT,
                    ),
                ),
                ActionCommand(
                    name="render",
                    help="Print the RunTask request that a task would be launched with",
                    func=_lazy("render"),
                    args=(
                        Arg(("--executor-config",), default="{}", help="The task's executor_config, as JSON"),
                        Arg(("--queue",), default="default", help="The task's queue, for its profile"),
                    ),
                ),
                ActionCommand(
                    name="cost",
                    help="Estimate what finished and running containers cost, by DAG and day",
                    func=_lazy("cost"),
                    args=(
                        days,
                        Arg(
                            ("--vcpu-hour",),
                            type=float,
                            help="USD per vCPU-hour, On-Demand (us-east-1: x86 0.04048, ARM 0.03238)",
                        ),
                        Arg(
                            ("--gb-hour",),
                            type=float,
                            help="USD per GB-hour, On-Demand (us-east-1: x86 0.004445, ARM 0.00356)",
                        ),
                        ARG_OUTPUT,
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
        raise SystemExit(importlib.import_module(f"airflow_fargate.cli.{name}").main(args))

    return call
