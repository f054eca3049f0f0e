"""Runs the worker on a task of a small DAG with the fake API server, for unit and image tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unit.worker.execution_api import ExecutionApi, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

TOKEN = "eyJ-the-token-of-this-test"

DAG = '''
from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

from airflow.sdk import DAG, BaseOperator, Variable, task
from airflow.sdk.bases.sensor import BaseSensorOperator

try:
    from airflow.sdk.exceptions import AirflowSkipException
except ImportError:
    from airflow.exceptions import AirflowSkipException


def tell(what):
    """Be seen from outside: the API server is asked for a variable of this name."""
    Variable.get(what, default=None)


class Long(BaseOperator):
    def execute(self, context):
        try:
            tell("working")
            time.sleep(600)
        except Exception:
            tell("swallowed")
        finally:
            tell("finally")

    def on_kill(self):
        print("on_kill was called")


class Obedient(BaseOperator):
    """Fails as soon as it is killed, as operators do that wait for a job elsewhere."""

    alive = True

    def execute(self, context):
        tell("working")
        while self.alive:
            time.sleep(0.05)
        raise RuntimeError("killed")

    def on_kill(self):
        print("on_kill was called")
        self.alive = False


class Wait(BaseOperator):
    def execute(self, context):
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        self.defer(trigger=TimeDeltaTrigger(timedelta(hours=1)), method_name="execute")


class Stubborn(BaseOperator):
    def execute(self, context):
        while True:
            try:
                tell("working")
                time.sleep(600)
            except BaseException:
                print("goes on")


class Later(BaseSensorOperator):
    def poke(self, context):
        return False


with DAG("d", schedule=None):

    @task
    def ok():
        print("first line at", time.time())

    @task
    def fail():
        raise RuntimeError("on purpose")

    @task
    def skip():
        raise AirflowSkipException("on purpose")

    @task
    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    @task
    def hog():
        kept = []
        while True:
            kept.append(b"x" * 10_000_000)

    @task
    def leak():
        print(os.environ)

    @task
    def uses_what_is_put_off():
        import pickle

        import sqlalchemy
        from airflow import settings
        from airflow.models import Connection
        from airflow.sdk.api.datamodels._generated import BundleInfo

        class Mine(BundleInfo):
            more: int = 1

        assert Mine(name="n").model_dump()["more"] == 1
        assert settings.create_engine is sqlalchemy.create_engine
        assert pickle.loads(pickle.dumps(sqlalchemy.String)) is sqlalchemy.String
        assert isinstance(Connection(conn_id="c", conn_type="http"), Connection)
        try:
            settings.Session()
        except RuntimeError:
            print("no database for tasks")
        try:
            from airflow.sdk.definitions._internal.decorators import remove_task_decorator
        except ImportError:
            from airflow.utils.decorators import remove_task_decorator
        source = "@task.virtualenv\\ndef f():\\n    pass\\n"
        assert "@" not in remove_task_decorator(source, "@task.virtualenv")
        print("all is there")

    ok(), fail(), skip(), killed(), hog(), leak(), uses_what_is_put_off()
    Long(task_id="long")
    Obedient(task_id="obedient")
    Wait(task_id="wait")
    Stubborn(task_id="stubborn")
    Later(task_id="later", mode="reschedule", poke_interval=60, timeout=3600)
'''


@dataclass(frozen=True)
class Ran:
    """How the worker ended: its exit code, what it wrote, and the states the API server was told."""

    exit_code: int
    output: str
    states: list[str]
    api: ExecutionApi


def payload(task_id: str, airflow_version: str) -> dict[str, Any]:
    """Return the document that the executor sends for a task of the DAG."""
    return {
        "format": 1,
        "airflow_version": airflow_version,
        "launch_id": "2b6f6c1e-0000-4000-8000-000000000000",
        "key": f"d.{task_id}.r.1",
        "workload": {
            "type": "ExecuteTask",
            "token": TOKEN,
            "ti": {
                "id": "018f0000-0000-7000-8000-000000000001",
                "dag_version_id": "018f0000-0000-7000-8000-000000000002",
                "task_id": task_id,
                "dag_id": "d",
                "run_id": "r",
                "try_number": 1,
                "map_index": -1,
                "pool_slots": 1,
                "queue": "default",
                "priority_weight": 1,
                "context_carrier": {},
            },
            "dag_rel_path": "d.py",
            "bundle_info": {"name": "dags-folder", "version": None},
            "log_path": f"d/{task_id}.log",
        },
    }


def write_dag(home: Path) -> None:
    """Write the DAG to AIRFLOW_HOME/dags/d.py."""
    (home / "dags").mkdir(exist_ok=True)
    (home / "dags" / "d.py").write_text(DAG)
    (home / "airflow.cfg").write_text("")


def local_worker(home: Path) -> Callable[[Sequence[str], Mapping[str, str]], subprocess.Popen[str]]:
    """Return a function that starts the entrypoint as a local process with this Airflow."""

    def start(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "AWS_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "airflow_fargate.worker", *words],
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def run_task(  # noqa: PLR0913  each says one thing about the run
    start: Callable[[Sequence[str], Mapping[str, str]], subprocess.Popen[str]],
    task_id: str,
    *,
    airflow_version: str,
    api: ExecutionApi | None = None,
    address: str = "127.0.0.1",
    stop: Callable[[subprocess.Popen[str]], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run one task to its end.

    Args:
        start: Starts the worker with a command and an environment.
        task_id: Which task of the DAG.
        airflow_version: The release the payload says it comes from.
        api: The API server, when it is to behave in a special way.
        address: Where it listens; the worker must reach it there.
        stop: Called once a task that says `working` is at work.
        environment: More of the worker's environment.
    """
    with serve(api or ExecutionApi(), address) as server:
        settings = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": server.url, **(environment or {})}
        reference = "json:" + json.dumps(payload(task_id, airflow_version))
        with start(["airflow", "fargate", "run-workload", reference], settings) as process:
            if stop:
                assert server.seen("/variables/working").wait(120), "the task never began"
                stop(process)
            output, _ = process.communicate(timeout=300)
        return Ran(process.returncode, output, server.states(), server)
