"""The smoke's running Airflow: starts, kills and ends its services."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smoke import airflow_services
from smoke.failure import StoppedError

if TYPE_CHECKING:
    from smoke.airflow_api import AirflowApi
    from smoke.airflow_services import AirflowHome
    from smoke.cloud import LocalCloud
    from smoke.processes import Programs, Service


@dataclass
class RunningAirflow:
    """One Airflow's services.

    Args:
        programs: starts and ends them.
        home: their configuration.
    """

    programs: Programs
    home: AirflowHome
    _scheduler: list[Service] = field(default_factory=list)
    _server: list[Service] = field(default_factory=list)
    _dag_processor: list[Service] = field(default_factory=list)

    def migrate(self) -> None:
        """Create the metadata database."""
        airflow_services.migrate(self.programs, self.home, dict(os.environ))

    def start_dag_processor(self) -> None:
        """Start the DAG processor, which needs only the database."""
        self._dag_processor.append(
            airflow_services.start_service(self.programs, self.home, dict(os.environ), "dag-processor")
        )

    def start_server(self, cloud: LocalCloud) -> AirflowApi:
        """Start the API server with Terraform's configuration; return the API once it answers."""
        server = self._start_server(cloud)
        airflow_services.wait_for_api(self.programs, self.home, server)
        api = self.home.release.api(self.home.url)
        api.log_in()
        return api

    def _start_server(self, cloud: LocalCloud) -> Service:
        server = airflow_services.start_service(
            self.programs, self.home, cloud.environment, self.home.release.server
        )
        self._server.append(server)
        return server

    def replace_server(self, cloud: LocalCloud, away: float) -> None:
        """Kill the API server with SIGKILL and start another one after so many seconds."""
        self.programs.kill(self._server.pop())
        if self.programs.stop.wait(away):
            raise StoppedError("stopped")
        airflow_services.wait_for_api(self.programs, self.home, self._start_server(cloud))

    def start_scheduler(self, cloud: LocalCloud) -> None:
        """Start a scheduler with Terraform's configuration."""
        self._scheduler.append(
            airflow_services.start_service(self.programs, self.home, cloud.environment, "scheduler")
        )

    def replace_scheduler(self, cloud: LocalCloud) -> None:
        """Kill the scheduler with SIGKILL and start another one."""
        self.programs.kill(self._scheduler.pop())
        self.start_scheduler(cloud)

    def scheduler_log(self) -> str:
        """Return the schedulers' log so far."""
        return self._scheduler[-1].log.read_text(encoding="utf-8", errors="replace")

    def end_scheduler(self) -> None:
        """End the scheduler, before the local cloud ends: its executor waits for answers."""
        for service in self._scheduler:
            self.programs.end(service)

    def end_servers(self) -> None:
        """End the other services."""
        for service in (*self._server, *self._dag_processor):
            self.programs.end(service)
