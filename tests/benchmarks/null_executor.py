"""An executor that takes every workload and does nothing: what Airflow's scheduler manages by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.executors.base_executor import BaseExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence


class NullExecutor(BaseExecutor):
    """Has every task running for ever."""

    pre_assigns_external_executor_id = True

    def queue_workload(self, workload: Any, session: Any) -> None:
        """Take a workload."""
        self.queued_tasks[workload.ti.key] = workload

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        for each in workload_items:
            del self.queued_tasks[each.ti.key]
            self.running.add(each.ti.key)

    def end(self) -> None:
        """Nothing is to be ended."""

    def terminate(self) -> None:
        """Nothing is to be ended."""
