"""``airflow fargate run-workload``: the worker image's entrypoint, for images without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_fargate.worker.entrypoint import run

if TYPE_CHECKING:
    import argparse


def main(args: argparse.Namespace) -> int:
    """Run a workload in this process; return its exit code."""
    return run(["fargate", "run-workload", args.reference])
