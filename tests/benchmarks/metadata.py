"""Airflow's metadata database for the benchmarks: PostgreSQL with a database per run, copied from a template.

As a program it fills the template with Airflow's tables, the serialized DAG and one DAG run to copy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from airflow_scheduler.postgres import PostgresServer
from benchmarks.names import DAG_ID, TASKS_IN_A_RUN, name_of_row, run_id_of, task_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from typing_extensions import Self

DAGS = Path(__file__).parent / "dags"
TERMINAL = ("success", "failed", "up_for_retry")
_COLUMNS = """SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND column_name <> ALL(%s)"""


class Metadata:
    """A PostgreSQL server with a template, started when first needed; a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: PostgresServer | None = None
        self._template = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.__exit__(kind, error, trace)

    def copy(self, environment: dict[str, str], tasks: int) -> Database:
        """Return a new database with DAG runs of so many tasks; none is due."""
        with self._lock:
            if self._server is None:
                self._server = PostgresServer().__enter__()
                self._template = self._server.create()
                url = self._server.url(self._template)
                command = [sys.executable, "-m", "benchmarks.metadata", url]
                subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
            name = self._server.create(self._template)
            return Database(self._server, name, tasks)


class Database:
    """The database of one run; a context manager that drops it.

    ``url`` is its address for Airflow, ``address`` for psycopg2.
    """

    def __init__(self, server: PostgresServer, name: str, tasks: int) -> None:
        self._server = server
        self._name = name
        self.url = server.url(name)
        self.address = self.url.replace("+psycopg2", "")
        self._connection = psycopg2.connect(self.address)
        self._connection.autocommit = True
        self._build(-(-tasks // TASKS_IN_A_RUN))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._server.drop(self._name)

    def make_due(self, numbers: Iterable[int]) -> None:
        """Schedule these tasks, as the triggerer does with a deferred task."""
        rows = [(run_id_of(number), task_id_of(number)) for number in numbers]
        self._execute(
            "UPDATE task_instance SET state = 'scheduled', scheduled_dttm = now(), updated_at = now() "
            "WHERE dag_id = %s AND (run_id, task_id) IN %s",
            (DAG_ID, tuple(rows)),
        )

    def give_to_a_dead_scheduler(self, rows: Sequence[tuple[int, str, str | None]]) -> None:
        """Assign these tasks (number, state, external_executor_id) to a scheduler that is gone."""
        (job,) = self._one(
            "INSERT INTO job (job_type, state, start_date, latest_heartbeat, hostname) "
            "VALUES ('SchedulerJob', 'failed', now(), now() - interval '1 hour', 'gone') RETURNING id"
        )
        values = [(run_id_of(n), task_id_of(n), state, identity or "") for n, state, identity in rows]
        with self._connection.cursor() as cursor:
            from psycopg2.extras import execute_values  # noqa: PLC0415

            execute_values(
                cursor,
                "UPDATE task_instance AS ti SET state = given.state, queued_by_job_id = "  # noqa: S608
                f"{int(job)}, external_executor_id = nullif(given.id, ''), queued_dttm = now(), "
                "start_date = now(), last_heartbeat_at = now() "
                "FROM (VALUES %s) AS given(run, task, state, id) "
                f"WHERE ti.dag_id = '{DAG_ID}' AND ti.run_id = given.run AND ti.task_id = given.task",
                values,
                page_size=1000,
            )

    def age_heartbeat(self, job: int) -> None:
        """Set the last heartbeat of a scheduler to an hour ago, so that another one adopts its tasks."""
        self._execute("UPDATE job SET latest_heartbeat = now() - interval '1 hour' WHERE id = %s", (job,))

    def unsettled(self) -> int:
        """Return how many due tasks have not ended."""
        (count,) = self._one(
            "SELECT count(*) FROM task_instance WHERE state <> ALL(%s) AND state <> 'deferred'",
            (list(TERMINAL),),
        )
        return int(count)

    def states(self) -> dict[str, str]:
        """Return the state of each task that became due."""
        rows = self._all("SELECT run_id, task_id, state FROM task_instance WHERE state <> 'deferred'")
        return {name_of_row(run, task): state for run, task, state in rows}

    def first_queued(self) -> float:
        """Return when Airflow queued the first task, in seconds since the epoch; 0 if it queued none."""
        (at,) = self._one("SELECT extract(epoch FROM min(queued_dttm)) FROM task_instance")
        return float(at or 0.0)

    def _build(self, runs: int) -> None:
        """Copy the template's DAG run until there are so many runs."""
        run = self._columns("dag_run", ("id", "run_id", "logical_date"))
        task = self._columns("task_instance", ("id", "run_id"))
        self._execute(
            f"INSERT INTO dag_run (run_id, logical_date, {run}) "  # noqa: S608
            f"SELECT 'run-' || lpad(n::text, 4, '0'), logical_date + n * interval '1 second', {run} "
            "FROM dag_run, generate_series(1, %s - 1) AS n "
            "WHERE run_id = 'run-0000'",
            (runs,),
        )
        self._execute(
            f"INSERT INTO task_instance (id, run_id, {task}) SELECT gen_random_uuid(), "  # noqa: S608
            f"'run-' || lpad(n::text, 4, '0'), {task} FROM task_instance, generate_series(1, %s - 1) AS n "
            "WHERE run_id = 'run-0000'",
            (runs,),
        )
        self._execute("ANALYZE")

    def _columns(self, table: str, without: Sequence[str]) -> str:
        return str(self._one(_COLUMNS, (table, list(without)))[0])

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)

    def _all(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _one(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        return self._all(statement, values)[0]


def fill_template(url: str) -> None:
    """Create Airflow's tables, serialize the DAG, and create one run of it whose tasks are not due."""
    from airflow_scheduler.database import database_in_use, make_template  # noqa: PLC0415  brings Airflow

    make_template(url, DAGS, os.environ["AIRFLOW__CORE__EXECUTOR"])
    with database_in_use(url):
        from airflow.api.common.trigger_dag import trigger_dag  # noqa: PLC0415  needs the database
        from airflow.utils.types import DagRunTriggeredByType  # noqa: PLC0415  the same

        trigger_dag(DAG_ID, triggered_by=DagRunTriggeredByType.TEST, run_id="run-0000")
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE dag_run SET state = 'running', start_date = now(), queued_at = now()")
        # Deferred without a trigger: Airflow waits, and queues the first try later.
        cursor.execute("UPDATE task_instance SET state = 'deferred', try_number = 1")
        cursor.execute("UPDATE slot_pool SET slots = 1000000")
        connection.commit()


if __name__ == "__main__":
    fill_template(sys.argv[1])
