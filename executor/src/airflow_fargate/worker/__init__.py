"""The worker: the code that runs in the container.

Importing this package imports only the standard library. Airflow is imported when a workload starts, and
boto3 when its payload is in S3, because imports are slow on a quarter of a vCPU.
"""

from __future__ import annotations


def main() -> int:
    """Run the container's command; return the container's exit code."""
    from airflow_fargate.worker.entrypoint import run  # noqa: PLC0415  see the module's docstring

    return run()


__all__ = ["main"]
