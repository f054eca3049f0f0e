"""``airflow fargate standby``: what the worker image's entrypoint does with these words, for other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def main(args: argparse.Namespace) -> int:
    """Wait for a task, run it, return the container's exit code."""
    from airflow_fargate.worker.entrypoint import run  # noqa: PLC0415  the container's

    return run(["fargate", "standby", args.reference])
