"""What only the complete deployment has: a triggerer, and images with a package that the user added."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, dag, task
from smoke_package import GREETING


class WaitsInTheTriggerer(BaseOperator):
    """Wait without a container, and go on in a second one."""

    def execute(self, context: Any) -> None:
        """Leave the first container."""
        del context
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=5)), method_name="go_on")

    def go_on(self, context: Any, event: Any = None) -> None:
        """Run in the second container."""
        del context, event
        print("back from the triggerer")


@dag(schedule=None, catchup=False)
def smoke_deployed() -> None:
    """A task of each."""

    @task
    def imports_a_package() -> None:
        """Print what the package says."""
        print(GREETING)

    imports_a_package()
    WaitsInTheTriggerer(task_id="deferred")


smoke_deployed()
