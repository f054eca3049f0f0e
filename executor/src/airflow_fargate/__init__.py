"""FargateExecutor runs every Apache Airflow task in its own AWS Fargate container.

Importing this package is cheap, because the worker imports it in every container. The executor, and with it
Airflow, is imported at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["FargateExecutor", "__version__"]

if TYPE_CHECKING:
    from airflow_fargate.executor import FargateExecutor


def __getattr__(name: str) -> Any:
    if name == "FargateExecutor":
        from airflow_fargate.executor import FargateExecutor  # noqa: PLC0415  lazy, see above

        return FargateExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
