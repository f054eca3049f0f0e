"""The Airflow that `make up` has deployed: its API, its components' containers and logs, its secrets."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smoke.airflow_api import AirflowApi
from smoke.failure import SmokeError, StoppedError, UnansweredError
from smoke.forward import API_PORT, address_of_api

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.cloud import LocalCloud
    from smoke.session import Session

USER = "admin"
READY_SECONDS = 300.0
POLL_SECONDS = 1.5
ASKED_AGAIN_SECONDS = 30.0


class DeployedApi(AirflowApi):
    """Airflow's API with FAB's login, in the current container of the service ``api``.

    Args:
        find: returns the address of that container; raises UnansweredError if there is none.
        password: the administrator's.
    """

    pause = POLL_SECONDS

    def __init__(self, find: Callable[[], str], password: str) -> None:
        super().__init__("")
        self._find, self._password = find, password

    def log_in(self) -> None:
        """Get a token.

        Raises:
            SmokeError: Airflow rejects the login.
        """
        self._token = self.token(self._password)

    def token(self, password: str) -> str:
        """Log in with a password and return the token."""
        body = {"username": USER, "password": password}
        return str(self._call("POST", "/auth/token", body)["access_token"])

    def page(self) -> str:
        """Return the page about Fargate as HTML."""
        return self._send("GET", "/fargate/", None, {"Accept": "text/html"})

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> str:
        """Send the request; repeat it while the server is being replaced or cannot reach its database."""
        deadline = time.monotonic() + ASKED_AGAIN_SECONDS
        while True:
            known = self.url
            try:
                self.url = self.url or self._find()
                return super()._send(method, path, data, headers)
            except UnansweredError:
                # Connecting to a container that is gone can take a minute: try its replacement at least once.
                if time.monotonic() > deadline and not known:
                    raise
            time.sleep(self.pause)
            self.url = ""


@dataclass
class DeployedAirflow:
    """One deployment.

    Args:
        session: this run's tools.
        cloud: runs the containers.
        client: returns a boto3 client of the local cloud.
        outputs: Terraform's outputs by name.
    """

    session: Session
    cloud: LocalCloud
    client: Callable[[str], Any]
    outputs: dict[str, Any]

    def api(self) -> DeployedApi:
        """Return the API, logged in; wait until it answers.

        Raises:
            SmokeError: it does not in time.
        """
        password = self.password_of(self.outputs["admin_secret_arn"])
        api = DeployedApi(lambda: f"http://{self.address()}:{API_PORT}", password)

        def answers() -> bool:
            api.log_in()
            return True

        self.poll(answers, READY_SECONDS, "A login to Airflow")
        return api

    def tasks(self, component: str) -> list[dict[str, Any]]:
        """Return the running ECS tasks of a component's service."""
        return [
            task
            for task in self.cloud.tasks()
            if task.get("group") == f"service:{component}"
            and task["desiredStatus"] == task["lastStatus"] == "RUNNING"
        ]

    def arns(self, component: str) -> set[str]:
        """Return the ARNs of the running ECS tasks of a component's service."""
        return {task["taskArn"] for task in self.tasks(component)}

    def address(self) -> str:
        """Return the address of the API server's container.

        Raises:
            UnansweredError: none runs.
        """
        found = address_of_api(self.cloud.tasks())
        if found is None:
            raise UnansweredError("No container of the API server runs.")
        return found

    def replace(self, component: str) -> None:
        """Kill a component's containers with SIGKILL, and wait for the one that ECS starts instead.

        Raises:
            SmokeError: none runs in time.
        """
        before = self.arns(component)
        for arn in before:
            self.cloud.kill(arn)
        self.poll(lambda: self.arns(component) - before, READY_SECONDS, f"A new container of {component}")

    def log(self, component: str) -> str:
        """Return what all containers of a component have written to CloudWatch."""
        group = self.outputs["component_log_group_names"][component]
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def keep_logs(self) -> None:
        """Write the components' logs to the log folder, to help find the cause of a failure."""
        for component, text in self.logs().items():
            (self.session.settings.logs / f"component-{component}.log").write_text(text, encoding="utf-8")

    def logs(self) -> dict[str, str]:
        """Return all components' logs by name."""
        return {component: self.log(component) for component in self.outputs["component_log_group_names"]}

    def secrets(self) -> tuple[str, ...]:
        """Return the value of every secret in the account: of Airflow, the administrator, the database."""
        pages = self.client("secretsmanager").get_paginator("list_secrets").paginate()
        return tuple(self.password_of(secret["ARN"]) for page in pages for secret in page["SecretList"])

    def password_of(self, secret: str) -> str:
        """Return the password in a secret."""
        return _password(self.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])

    def poll(self, done: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait until ``done`` returns a true value, and return it; if ``done`` raises SmokeError, try again.

        Raises:
            SmokeError: it did not in time.
        """
        deadline = time.monotonic() + seconds
        error = ""
        while True:
            try:
                if found := done():
                    return found
            except StoppedError:
                raise
            except SmokeError as raised:
                error = f" {raised.sentence}"
            if time.monotonic() > deadline:
                raise SmokeError(f"{what} did not happen within {seconds:.0f} s.{error}")
            if self.session.stop.wait(POLL_SECONDS):
                raise StoppedError("stopped")


def _password(secret: str) -> str:
    """Return a secret's password; the whole secret if it is not a JSON object."""
    try:
        return str(json.loads(secret)["password"])
    except (ValueError, TypeError, KeyError):
        return secret
