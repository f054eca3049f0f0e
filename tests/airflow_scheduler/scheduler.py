"""A scheduler in this process: Airflow's own runner and our executor, with a clock moved by hand."""

from __future__ import annotations

import datetime as dt
import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow.api.common.trigger_dag import trigger_dag
from airflow.jobs import scheduler_job_runner
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select, update

from airflow_scheduler.worker import Worker, now
from contract_airflow import Scheduler as ExecutorOverSimulatedAws
from local_cloud import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOP_SECONDS = 0.05
"""How long a turn of the loop takes on the simulated clock, without its sleep."""
_runs = itertools.count(1)


class Scheduler(ExecutorOverSimulatedAws):
    """A scheduler: a job in the database, the runner's loop, and our executor on simulated AWS.

    Args:
        previous: the scheduler whose AWS it shares.
        before: executors listed before ours in ``[core] executor``; the first is the default.
        behaviour: how containers behave; by default they run until a test ends them.
    """

    def __init__(
        self,
        previous: Scheduler | None = None,
        before: Sequence[Any] = (),
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(behaviour or Behaviour(run=None), previous)
        self.job = Job()
        self.runner = SchedulerJobRunner(job=self.job, executors=[*before, self.executor])
        self.sleeps: list[float] = []
        self.waiting_at_sleep: list[int] = []
        self._until = float("-inf")
        self._beat = self.executor.heartbeat
        self.executor.heartbeat = self._heartbeat
        with create_session() as session:
            self.job.prepare_for_execution(session=session)
        # The class read it at import. Other executors keep theirs: LocalExecutor starts that many workers.
        self.executor.parallelism = self.runner._parallelism
        for executor in self.runner.executors:
            executor.job_id = self.job.id
            executor.callback_sink = mock.Mock(name="the DAG processor's callbacks")

    # --- the loop ------------------------------------------------------------------------------------------

    def run(self, seconds: float = 0.0, idle: float = 1.0) -> None:
        """Run Airflow's loop for some time on the simulated clock, at least once.

        Args:
            seconds: on the simulated clock.
            idle: ``scheduler_idle_sleep_time``; 1 s is Airflow's default.

        Raises:
            Exception: the error that ends the scheduler.
        """
        self._until = self.world.clock.now() + seconds
        self.runner.num_runs = 0
        self.runner._scheduler_idle_sleep_time = idle
        with mock.patch.object(scheduler_job_runner, "time", mock.Mock(sleep=self._sleep)):
            self.runner._run_scheduler_loop()

    def run_until_launched(self, tasks: int = 1) -> list[Any]:
        """Run until so many containers were launched; return all of them, oldest first."""
        for _ in range(12):
            if len(self.world.plane.tasks()) >= tasks:
                break
            self.run(5)
        found = sorted(self.world.plane.tasks(), key=lambda each: each.created_at)
        if len(found) != tasks:
            raise AssertionError(f"{len(found)} containers were launched, {tasks} were expected")
        return found

    def run_until_running(self) -> Any:
        """Run until the only container runs and its ARN is in the database; return the ECS task."""
        (task,) = self.run_until_launched()
        self.run(8)
        found: Any = self.world.plane.task(task.arn)
        if found.last_status != "RUNNING":
            raise AssertionError(f"the container is {found.last_status}")
        return found

    def dies(self) -> None:
        """Set its last heartbeat to an hour ago, so that Airflow considers it dead."""
        with create_session() as session:
            old = dt.datetime.now(tz=dt.timezone.utc) - dt.timedelta(hours=1)
            session.execute(update(Job).where(Job.id == self.job.id).values(latest_heartbeat=old))

    def _heartbeat(self) -> None:
        self.world.clock.advance(LOOP_SECONDS)
        self.world.step(self.fleet, sync=False)
        self._beat()
        if self.world.clock.now() >= self._until:
            self.runner.num_runs = 1  # this turn is the last

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.waiting_at_sleep.append(len(self.executor.queued_tasks))
        self.world.clock.advance(seconds)

    @property
    def fleet(self) -> Any:
        """Return the executor's parts that call AWS; the test steps them."""
        return self.executor._fleet

    # --- what people and workers do ------------------------------------------------------------------------

    def trigger(self, dag_id: str) -> str:
        """Start a run of a DAG; return its run ID."""
        run_id = f"run-{next(_runs)}"
        run = trigger_dag(dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=run_id)
        if run is None:
            raise AssertionError(f"{dag_id} has no run {run_id}")
        return run_id

    def worker(self, run_id: str, task_id: str = "task_0") -> Worker:
        """Return the worker of a task's current try."""
        return Worker(self.instance(run_id, task_id).id)

    def container_exits(self, task: Any, exit_code: int) -> None:
        """Make a container exit."""
        self.world.engine.exit_now(task.arn, exit_code)

    def writes_last(self, *lines: str) -> None:
        """Make every container's log end with these lines."""
        events = [{"message": line} for line in lines]
        self.world.logs.get_log_events = lambda **_: {"events": events}  # type: ignore[method-assign]

    def clear(self, run_id: str, task_id: str = "task_0") -> None:
        """Clear a task instance."""
        with create_session() as session:
            clear_task_instances([_one(session, run_id, task_id)], session)

    def change(self, run_id: str, task_id: str = "task_0", **values: Any) -> None:
        """Change columns of a task instance's row."""
        with create_session() as session:
            one = _one(session, run_id, task_id)
            for name, value in values.items():
                setattr(one, name, value)

    def delete_run(self, run_id: str) -> None:
        """Delete a DAG run with its task instances."""
        with create_session() as session:
            session.delete(session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one())

    def set_pool(self, slots: int) -> None:
        """Set the number of slots of the default pool."""
        with create_session() as session:
            session.execute(update(Pool).where(Pool.pool == "default_pool").values(slots=slots))

    # --- what the database has -----------------------------------------------------------------------------

    def instance(self, run_id: str, task_id: str = "task_0") -> Any:
        """Return a task instance from the database, detached."""
        with create_session() as session:
            found = _one(session, run_id, task_id)
            session.expunge_all()
            return found

    def orphan(self, run_id: str, **values: Any) -> None:
        """Assign a task's first try to this scheduler, as if it had queued it; then die."""
        given = {"try_number": 1, "queued_by_job_id": self.job.id, "queued_dttm": now()} | values
        self.change(run_id, **given)
        with create_session() as session:
            session.execute(update(DagRun).where(DagRun.run_id == run_id).values(state="running"))
        self.dies()

    def set_all(self, **values: Any) -> None:
        """Change columns of every task instance's row."""
        with create_session() as session:
            session.execute(update(TaskInstance).values(**values))

    def states_of(self, run_id: str) -> dict[str, int]:
        """Return how many task instances of a run are in each state."""
        with create_session() as session:
            found = session.scalars(select(TaskInstance.state).where(TaskInstance.run_id == run_id)).all()
        return {str(state): found.count(state) for state in set(found)}

    def event_log(self, run_id: str) -> list[tuple[str, str]]:
        """Return the event log of a run: event and text, oldest first."""
        with create_session() as session:
            rows = session.execute(
                select(Log.event, Log.extra).where(Log.run_id == run_id).order_by(Log.id)
            ).all()
        return [(event, extra or "") for event, extra in rows]


def _one(session: Any, run_id: str, task_id: str) -> Any:
    where = (TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
    return session.scalars(select(TaskInstance).where(*where)).one()


@contextmanager
def selects() -> Iterator[list[str]]:
    """Collect the SELECT statements that Airflow sends to its database in this context."""
    from airflow import settings  # noqa: PLC0415  its engine changes with the database
    from sqlalchemy import event  # noqa: PLC0415  comes with Airflow

    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)
