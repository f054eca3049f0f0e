"""An always-on Celery worker: a Redis broker, an execution API, and Airflow's own `airflow celery worker`.

Airflow and its Celery provider come from an environment of their own (tests/requirements/celery.txt). Tasks
run as in production: the worker's forked pool runs the supervisor, which forks the task's process. That
parses the DAG file and runs the task, whose first line notes the time (``benchmarks/dags``).

The execution API is the fake one with which `make start-times` measures containers, so both kinds of tasks
wait for the same answers. It changes Airflow's rows by SQL, as the simulated containers do.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from airflow_scheduler.postgres import free_port, start_guard
from benchmarks.metadata import DAGS
from benchmarks.names import name_of_row
from smoke.apt import find_program, install
from smoke.environment import make
from smoke.failure import SmokeError
from smoke.journal import Journal
from smoke.processes import Programs
from unit.worker.execution_api import ExecutionApi, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

    from smoke.processes import Service

FIRST_LINES = "BENCHMARK_FIRST_LINES"
"""The environment variable with the file to which the DAG's tasks write their first lines."""
CONCURRENCY = 16
"""Airflow's default. With 2, tasks wait for each other even at one a second: after a task's end, its
supervisor may hold the worker's process for up to `[workers] min_heartbeat_interval` (5 s)."""
_STARTS = """UPDATE task_instance SET state = 'running', start_date = now(), last_heartbeat_at = now(),
updated_at = now(), pid = 7, hostname = 'worker'
WHERE id = %s AND state = 'queued' RETURNING dag_id, run_id"""
_ENDS = """UPDATE task_instance SET state = %s, end_date = now(), updated_at = now(),
duration = extract(epoch FROM now() - start_date) WHERE id = %s AND state = 'running' RETURNING id"""
_STATES = {"success": "success", "failed": "failed"}


class CeleryWorker:
    """A broker and, once started, a worker; a context manager that leaves nothing behind.

    It installs Debian's redis-server if it is missing, and makes the environment.

    Raises:
        SmokeError: redis-server is missing and this process cannot install it, or it did not start.
        VenvError: the environment cannot be made.
    """

    def __enter__(self) -> Self:
        self.venv = make("celery")
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="airflow-fargate-celery-"))
            self._first_lines = Path(folder) / "first-lines"
            journal = Journal(Path(folder) / "up.jsonl")
            stack.callback(_end, start_guard(Path(folder)))
            stack.callback(journal.undo_all, lambda _: None)
            self._programs = Programs(journal, Path(folder), {}, threading.Event())
            self.broker_url = self._start_redis()
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @property
    def python(self) -> str:
        """The interpreter that has the Celery provider."""
        return str(self.venv / "bin" / "python")

    @property
    def options(self) -> dict[str, str]:
        """Airflow's settings for the scheduler and the worker; all else of Celery has its defaults."""
        return {"AIRFLOW__CELERY__BROKER_URL": self.broker_url}

    @contextmanager
    def running(self, environment: dict[str, str], database: str) -> Iterator[None]:
        """Run the worker.

        Args:
            environment: the scheduler's.
            database: the address of Airflow's database, for psycopg2.
        """
        with closing(psycopg2.connect(database)) as connection:
            connection.autocommit = True
            with serve(Api(connection)) as api:
                environment = {
                    **environment,
                    "PATH": f"{self.venv / 'bin'}:{environment['PATH']}",
                    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
                    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
                    FIRST_LINES: str(self._first_lines),
                }
                words = ["celery", "worker", "--skip-serve-logs", "--concurrency", str(CONCURRENCY)]
                command = [str(self.venv / "bin" / "airflow"), *words]
                service = self._programs.start("Celery worker", command, env=environment)
                try:
                    yield
                finally:
                    self._programs.end(service)

    def first_lines(self) -> dict[str, float]:
        """Return when each task wrote its first line, in seconds since the epoch.

        Raises:
            SmokeError: the worker or the broker died.
        """
        self._programs.check()
        if not self._first_lines.exists():
            return {}
        return parse_first_lines(self._first_lines.read_text(encoding="utf-8"))

    def _start_redis(self) -> str:
        if find_program("redis-server") is None:
            install(self._programs, ["redis-server"], "The Celery worker needs a broker")
        program, port = find_program("redis-server"), free_port()
        if program is None:
            raise SmokeError("redis-server is needed: install Redis.")
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        service: Service = self._programs.start("Redis", [program, *options])
        ping = ["redis-cli", "-p", str(port), "ping"]
        self._programs.wait_until(
            service, lambda: subprocess.run(ping, capture_output=True, check=False).returncode == 0, 30
        )
        return f"redis://127.0.0.1:{port}/0"


class Api(ExecutionApi):
    """An execution API for all tasks of a database; see ``unit.worker.execution_api``.

    Args:
        connection: to the database, in autocommit.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection

    def answer(self, method: str, path: str, body: Any, api_version: str) -> tuple[int, Any]:
        """See ``ExecutionApi``; /run and /state change the task instance's row."""
        status, document = super().answer(method, path, body, api_version)
        task = path.split("/")[-2]
        if path.endswith("/run"):
            row = self._change(_STARTS, (task,))
            if row is None:
                return 409, {"detail": {"reason": "invalid_state", "previous_state": "unknown"}}
            document["dag_run"] |= {"dag_id": row[0], "run_id": row[1]}
        elif path.endswith("/state") and body["state"] in _STATES:
            self._change(_ENDS, (_STATES[body["state"]], task))
        return status, document

    def _change(self, statement: str, values: tuple[Any, ...]) -> Any:
        # The threads of the server share the connection; psycopg2 lets one statement run at a time.
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()


def parse_first_lines(text: str) -> dict[str, float]:
    """Return task -> seconds since the epoch from lines of ``RUN_ID TASK_ID SECONDS``.

    The earliest line of a task counts. An incomplete last line is ignored: it is still being written.
    """
    found: dict[str, float] = {}
    for line in text[: text.rfind("\n") + 1].splitlines():
        run, task, seconds = line.split()
        name = name_of_row(run, task)
        found[name] = min(float(seconds), found.get(name, float("inf")))
    return found


def _end(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    guard.wait(30)
