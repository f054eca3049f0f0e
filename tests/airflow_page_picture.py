"""Take the pictures of docs/page_in_airflow.md: Airflow's own UI and API server, with made-up tasks.

The failures are in the executor's own words. ``PYTHONPATH=tests:. .venv/bin/python
tests/airflow_page_picture.py`` writes docs/images. It needs Debian's ``chromium``, which it installs where
``apt-get`` and root are at hand. Run it again when the page changes.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PORT = int(os.environ.get("AIRFLOW_PORT", "8793"))
PICTURES = {
    "page_in_airflow.png": ("/plugin/fargate", "1440,1080", ()),
    "page_in_airflow_dark.png": ("/fargate/", "1180,1000", ("--force-dark-mode",)),
}
"""File -> path, window, options of Chromium. The first is inside Airflow's page, the second alone."""

SIZES = {"report": (512, 1024), "load": (1024, 4096), "train": (4096, 16384), "clean": (256, 512)}
TASKS = ["sales.load", "sales.load", "sales.report", "forecast.train", "forecast.clean", "events.clean"]


def rows() -> list[dict[str, Any]]:
    """Return running task instances, the oldest first."""
    import airflow_page  # noqa: PLC0415  imports Airflow

    chance, made = random.Random(7), []  # noqa: S311  the same picture each time
    for number, name in enumerate(TASKS * 2):
        dag, task = name.split(".")
        began = airflow_page.minutes_ago(200 / (number + 1.5) + chance.random())
        made.append(
            {
                "dag_id": dag,
                "task_id": task,
                "run_id": f"scheduled__2026-11-29T0{6 + number // len(TASKS)}:00:00+00:00",
                "map_index": number if task == "load" else -1,
                "try_number": 2 if number == 3 else 1,
                "external_executor_id": airflow_page.ARN.format(number + 1),
                "queued_dttm": began,
                "start_date": began,
            }
        )
    return made


def status(tries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a scheduler's status about them."""
    from airflow_fargate.fleet.status import FORMAT  # noqa: PLC0415  slow

    details = {}
    for number, each in enumerate(tries):
        cpu, memory = SIZES[each["task_id"]]
        details[each["external_executor_id"]] = {
            "launch_id": "",
            "cpu": cpu,
            "memory": memory,
            "storage": None,
            "capacity": "FARGATE" if number % 3 == 1 else "FARGATE_SPOT",
            "architecture": "arm64",
            "since": each["start_date"].timestamp() - 12,
        }
    return {
        "format": FORMAT,
        "scheduler": "ip-10-0-1-24-3",
        "team": "",
        "containers": 54,
        "waiting": 42,
        "rate": 14.3,
        "limit": 20.0,
        "limit_now": 20.0,
        "throttles": 3,
        "capacity_refusals": 11,
        "launch_errors": 0,
        "standbys": {"fast": {"idle": 4, "starting": 1, "target": 5}},
        "failing": {},
        "failures": failures(tries[0]["external_executor_id"]),
        "details": details,
    }


def failures(arn: str) -> list[dict[str, Any]]:
    """Return the last failures, in the executor's own words."""
    from airflow_fargate.aws.ecs_task import ContainerState, EcsTask  # noqa: PLC0415  slow
    from airflow_fargate.errors import TaskOptionsError  # noqa: PLC0415  the same
    from airflow_fargate.settings.task_options import parse_task_options  # noqa: PLC0415  the same
    from airflow_fargate.tasks.verdict import Diagnosis, Responsibility, judge  # noqa: PLC0415  the same

    def ended(code: str, reason: str, exit_code: int | None, of_container: str) -> Diagnosis:
        worker = ContainerState("worker", "STOPPED", exit_code, of_container)
        task = EcsTask(arn, "STOPPED", 9, "", code, reason, "FARGATE_SPOT", (worker,), (("startedAt", 1.0),))
        return judge(replace(task, cpu=1024, memory=4096), "worker").diagnosis

    memory = "OutOfMemoryError: Container killed due to memory usage"
    found = [
        ("forecast", "train", 420, ended("EssentialContainerExited", "", 137, memory)),
        ("sales", "load", 5400, ended("SpotInterruption", "Your Spot Task was interrupted.", 143, "")),
    ]
    try:
        parse_task_options("executor_config", {"memori": 2048})
    except TaskOptionsError as error:
        found.append(("sales", "report", 9000, Diagnosis(str(error), Responsibility.TASK)))
    run = {"run_id": "scheduled__2026-11-29T06:00:00+00:00", "map_index": -1, "try_number": 1}
    return [
        {**run, "dag_id": dag, "task_id": task, "at": time.time() - seconds, "arn": why.arn, "log": ""}
        | {"why": f"{why.summary} {why.hint}".strip(), "reason": why.reason}
        for dag, task, seconds, why in found
    ]


def browser() -> str:
    """Return Chromium, installed if necessary."""
    if not shutil.which("chromium"):
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "chromium"], check=True)
    return "chromium"


def main() -> int:
    """Serve Airflow from a temporary folder, and take the pictures."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ |= {
            "AIRFLOW_HOME": text,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTOR": "airflow_fargate.FargateExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__API__BASE_URL": f"http://localhost:{PORT}",
            "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-for-pictures-" * 4,
            "AIRFLOW__FARGATE__CLUSTER": "airflow",
            "AIRFLOW__FARGATE__TASK_DEFINITION": "airflow-worker",
            "AIRFLOW__FARGATE__CONTAINER_NAME": "worker",
            "AIRFLOW__FARGATE__SUBNETS": "subnet-1",
            "AIRFLOW__FARGATE__PAYLOAD_BUCKET": "payloads",
        }
        import uvicorn  # noqa: PLC0415  comes with Airflow
        from airflow.api_fastapi.app import create_app  # noqa: PLC0415  the same

        import airflow_page  # noqa: PLC0415  Airflow reads its configuration when it is imported
        from airflow_fargate.page import app as page  # noqa: PLC0415  the same

        tries = rows()
        bucket = airflow_page.StatusBucket({"payloads": status(tries)})
        page.shared_clients = lambda _: lambda _: bucket  # type: ignore[assignment]
        with airflow_page.database(folder, tries):
            server = uvicorn.Server(uvicorn.Config(create_app(apps="core"), port=PORT, log_level="warning"))
            threading.Thread(target=server.run, daemon=True).start()
            while not server.started:
                time.sleep(0.1)
            IMAGES.mkdir(exist_ok=True)
            for name, (path, window, options) in PICTURES.items():
                take(IMAGES / name, path, window, options, folder / "profile")
            server.should_exit = True
    return 0


def take(file: Path, path: str, window: str, options: tuple[str, ...], profile: Path) -> None:
    """Sign in by the first request, as everybody is an administrator here, and take one picture."""
    command = [browser(), "--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}"]
    command += [f"--window-size={window}", "--virtual-time-budget=15000", *options]
    address = f"http://localhost:{PORT}"
    command += [f"--screenshot={file}", f"{address}/auth/token/login?next={path}"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(f"{file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
