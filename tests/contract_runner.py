"""Airflow's own ``SchedulerJobRunner`` for the contract tests, with its database (SQLite) and a DAG.

Nothing of Airflow is replaced. The cluster is simulated, so :meth:`RunnerScheduler.works` and
:meth:`RunnerScheduler.succeeds` change the task's row as a container does.
"""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.cli import cli_parser
from airflow.configuration import conf
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select, update

from contract_airflow import Scheduler

if TYPE_CHECKING:
    from airflow_fargate.executor import FargateExecutor

TURNS = 5
"""Turns of the scheduler's loop, more than a run needs until its first task is launched."""
_days = itertools.count(1)
DAG_ID = "contract"
DAG = f"""
try:
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task
from datetime import datetime

@dag("{DAG_ID}", schedule=None, start_date=datetime(2026, 1, 1), is_paused_upon_creation=False)
def contract():
    @task(queue="big")
    def one():
        pass
    one()

contract()
"""


def airflow(*words: str) -> None:
    """Run a command of Airflow's CLI in this process."""
    arguments = cli_parser.get_parser().parse_args(words)
    arguments.func(arguments)


def make_database() -> None:
    """Create the tables in this process's database and serialize the DAG."""
    from airflow.utils.db import initdb  # noqa: PLC0415  brings all models along

    initdb()
    folder = Path(conf.get("core", "dags_folder"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contract.py").write_text(DAG, encoding="utf-8")
    airflow("dags", "reserialize")


class RunnerScheduler(Scheduler):
    """A scheduler: a job in the database, the runner's loop, and our executor.

    Args:
        previous: the scheduler whose cluster and database it shares.
    """

    def __init__(self, previous: RunnerScheduler | None = None) -> None:
        super().__init__(previous=previous)
        self.job = Job()
        executor: FargateExecutor = self.executor
        self.runner = SchedulerJobRunner(job=self.job)
        # Up to 3.1, Airflow asks the job for its executors; later releases ask the runner. Each would load
        # its own.
        for holder in (self.job, self.runner):
            holder.__dict__ |= {"executors": [executor], "executor": executor}
        self.runner._standalone_dag_processor = True  # 2.11: no child process that parses DAGs
        self.runner._scheduler_idle_sleep_time = 0
        with create_session() as session:
            self.job.prepare_for_execution(session=session)
        executor.job_id = self.job.id

    def turn(self) -> None:
        """Run the scheduler's loop once; it starts with the search for orphans."""
        self.runner.num_runs = 1
        self.runner._run_scheduler_loop()

    def loop(self) -> None:
        """Run the loop once, then let the executor's threads run."""
        self.turn()
        self.world.step(sync=False)

    def launch(self) -> Any:
        """Loop until the task is launched; return the only task of the cluster."""
        for _ in range(TURNS):
            self.loop()
            if self.world.plane.tasks():
                break
        (task,) = self.world.plane.tasks()
        return task

    def queue_one(self, run_id: str) -> Any:
        """Loop without the executor's threads until the task is queued with an ID; return it."""
        for _ in range(TURNS):
            self.turn()
            found = self.instance(run_id)
            if found.state == TaskInstanceState.QUEUED and found.external_executor_id:
                return found
        raise AssertionError(f"the task is {found.state}, with id {found.external_executor_id}")

    def dies(self) -> None:
        """Set the scheduler's last heartbeat to an hour ago, so that Airflow considers it dead."""
        with create_session() as session:
            job = session.get(Job, self.job.id)
            job.latest_heartbeat -= dt.timedelta(hours=1)

    def trigger(self, run_id: str) -> None:
        """Start a run of the DAG."""
        airflow("dags", "trigger", DAG_ID, "--run-id", run_id)
        # SQLite's now() has whole seconds, so a run of this second is due in the next one.
        due = "run_after" if hasattr(DagRun, "run_after") else "execution_date"
        with create_session() as session:
            run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
            # Airflow 2.11 allows one run per second, so each run gets its own day.
            setattr(run, due, getattr(run, due) - dt.timedelta(days=next(_days)))

    def instance(self, run_id: str) -> Any:
        """Return the run's only task instance from the database, detached."""
        with create_session() as session:
            found = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run_id)).one()
            session.expunge_all()
            return found

    def works(self, run_id: str) -> None:
        """Change the row as a worker does when it starts."""
        self._record(run_id, TaskInstanceState.RUNNING)

    def succeeds(self, run_id: str) -> None:
        """Change the row as a worker does when its task succeeds."""
        self._record(run_id, TaskInstanceState.SUCCESS)

    def gives_up_all(self) -> None:
        """End every run and its tasks, so that no other scheduler finds them."""
        with create_session() as session:
            for model, state in ((TaskInstance, TaskInstanceState.FAILED), (DagRun, DagRunState.FAILED)):
                session.execute(update(model).values(state=state))

    def _record(self, run_id: str, state: TaskInstanceState) -> None:
        with create_session() as session:
            found = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run_id)).one()
            found.state = state
