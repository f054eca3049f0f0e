"""The control image's side: what runs in the containers of Airflow's own components.

Importing this package loads the standard library alone. ECS asks for each component's health every 30
seconds, and a quarter of a vCPU feels every import.
"""

from __future__ import annotations


def main() -> int:
    """Run the container's command; return its exit code."""
    from airflow_fargate.control.entrypoint import run  # noqa: PLC0415  see the module's first line

    return run()


__all__ = ["main"]
