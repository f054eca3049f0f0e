"""The worker's side: what runs in the container.

Importing this package loads the standard library alone; Airflow comes in when a workload is to be run, and
boto3 when its payload lies in S3. A quarter of a vCPU feels every import.
"""

from __future__ import annotations


def main() -> int:
    """Run the container's command; returns the container's exit code."""
    from airflow_fargate.worker.entrypoint import run  # noqa: PLC0415  see the module's first line

    return run()


__all__ = ["main"]
