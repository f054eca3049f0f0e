"""Starts, queries and stops the local cloud."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smoke.failure import SmokeError
from smoke.image_registry import answers
from smoke.settings import REGION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.engine import Engine
    from smoke.processes import Programs, Service
    from smoke.settings import Settings


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud.

    Args:
        url: its address on this machine.
        service: the process.
    """

    url: str
    service: Service

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Terraform, boto3 and Airflow call the local cloud instead of AWS."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        ours["AWS_CA_BUNDLE"] = os.environ.get("AWS_CA_BUNDLE", "")
        return {
            **{key: value for key, value in ours.items() if value},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def ask(self, page: str, body: object = None) -> Any:
        """Return the JSON of one of its own pages, such as ``tasks``; with a body, POST it there."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/_local/{page}", data, timeout=30) as reply:  # noqa: S310  # loopback
                return json.load(reply)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise SmokeError(f"The local cloud does not answer on /_local/{page}: {error}.") from None

    def tasks(self) -> list[dict[str, Any]]:
        """Return all ECS tasks, those that have stopped included."""
        return list(self.ask("tasks")["tasks"])

    def kill(self, arn: str) -> None:
        """Kill a task's first essential container with SIGKILL."""
        self.ask("kill", {"task": arn})


def start_cloud(
    programs: Programs, settings: Settings, engine: Engine, python: Path, listen: tuple[int, str]
) -> LocalCloud:
    """Start the local cloud with real containers and wait until it answers.

    ``listen`` is its port and the address of the registry behind its ECR.
    """
    port, registry = listen
    url = f"http://127.0.0.1:{port}"
    path = str(ROOT / "tests")
    state = settings.state / "cloud"
    # On an engine that keeps running, the containers of a killed local cloud would keep running too.
    programs.journal.add(
        "command",
        "task containers",
        command=[*_REMOVE, engine.client, engine.host, str(state)],
        may_fail=True,
    )
    service = programs.start(
        "local cloud",
        [
            str(python),
            "-m",
            "local_cloud",
            f"--port={port}",
            "--engine=docker",
            f"--docker-host={engine.host}",
            f"--registry={registry}",
            f"--state-dir={state}",
            "--record-calls",
        ],
        env={**engine.environment, "PYTHONPATH": path},
        grace=30,
    )
    programs.wait_until(service, lambda: answers(f"{url}/_local/health"), 60)
    return LocalCloud(url, service)


_REMOVE = (
    "sh",
    "-c",
    """
    label="label=airflow-fargate.local-cloud=$(cat "$2/instance")" || exit 0
    all=$("$0" -H "$1" ps -aq --filter "$label") && [ -z "$all" ] || "$0" -H "$1" rm -f -v $all
    """,
)
