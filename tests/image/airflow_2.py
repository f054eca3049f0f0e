"""Runs inside a container of an Airflow 2 image: a metadata database in SQLite, and what became of the tasks.

Usage: python airflow_2.py prepare | states | clear TASK | mark TASK
"""

# ruff: noqa: PLC0415  Airflow comes in by the image

from __future__ import annotations

import os
import sys

DAG = """
import os
import signal
import time
from datetime import timedelta

from airflow import DAG
from airflow.decorators import task
from airflow.exceptions import AirflowSkipException
from airflow.models.baseoperator import BaseOperator
from airflow.sensors.base import BaseSensorOperator
from airflow.utils import timezone


class Long(BaseOperator):
    def execute(self, context):
        open(os.environ["WORKING"] + self.task_id, "w").close()
        try:
            time.sleep(600)
        except Exception:
            print("swallowed")
        finally:
            print("finally")

    def on_kill(self):
        print("on_kill was called")


class Later(BaseSensorOperator):
    def poke(self, context):
        return False


class Wait(BaseOperator):
    def execute(self, context):
        from airflow.triggers.temporal import TimeDeltaTrigger

        self.defer(trigger=TimeDeltaTrigger(timedelta(hours=1)), method_name="execute")


with DAG("d", schedule=None, start_date=timezone.datetime(2026, 1, 1)):

    @task
    def ok():
        print("first line at", time.time())

    @task
    def shown():
        print("this is for everyone")

    @task
    def fail():
        raise RuntimeError("on purpose")

    @task(retries=2)
    def again():
        raise RuntimeError("on purpose")

    @task
    def skip():
        raise AirflowSkipException("on purpose")

    @task
    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    ok(), shown(), fail(), again(), skip(), killed()
    Long(task_id="long", retries=1)
    Long(task_id="cleared", retries=1)
    Long(task_id="marked", retries=1)
    Later(task_id="later", mode="reschedule")
    Wait(task_id="wait")
"""


def prepare() -> None:
    """Make the database, write the DAG, and queue one try of each of its tasks in the run `r`."""
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103  as little as can be
    with open(f"{folder}/d.py", "w") as file:  # noqa: PTH123
        file.write(DAG)
    from airflow.models import DagBag
    from airflow.utils import timezone
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, State
    from airflow.utils.types import DagRunType

    initdb()
    dag = DagBag(folder, include_examples=False).dags["d"]
    dag.sync_to_db()
    now = timezone.utcnow()
    with create_session() as session:
        run = dag.create_dagrun(
            run_id="r",
            run_type=DagRunType.MANUAL,
            execution_date=now,
            state=DagRunState.RUNNING,
            session=session,
            data_interval=(now, now),
        )
        for ti in run.get_task_instances(session=session):
            ti.state, ti.try_number = State.QUEUED, 1


def states() -> None:
    """Print each task's state, as `state of TASK: STATE`."""
    from airflow.models import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        for ti in session.query(TaskInstance).all():
            print(f"state of {ti.task_id}: {ti.state}")


def clear(task_id: str) -> None:
    """Clear the task."""
    from airflow.models import TaskInstance
    from airflow.models.taskinstance import clear_task_instances
    from airflow.utils.session import create_session

    with create_session() as session:
        clear_task_instances(session.query(TaskInstance).filter_by(task_id=task_id).all(), session)


def mark(task_id: str) -> None:
    """Mark the task failed."""
    from airflow.models import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import State

    with create_session() as session:
        session.query(TaskInstance).filter_by(task_id=task_id).one().set_state(State.FAILED, session)


if __name__ == "__main__":
    {"prepare": prepare, "states": states, "clear": clear, "mark": mark}[sys.argv[1]](*sys.argv[2:])
