"""An executor that accepts every workload and does nothing, to measure Airflow's scheduler alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.executors.base_executor import BaseExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence


class NullExecutor(BaseExecutor):
    """Reports every task as running and never as ended."""

    pre_assigns_external_executor_id = True

    def queue_workload(self, workload: Any, session: Any) -> None:
        """Accept a workload."""
        self.queued_tasks[workload.ti.key] = workload

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        for each in workload_items:
            del self.queued_tasks[each.ti.key]
            self.running.add(each.ti.key)

    def end(self) -> None:
        """Do nothing."""

    def terminate(self) -> None:
        """Do nothing."""
