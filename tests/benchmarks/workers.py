"""The workers in simulated containers: they change the rows of their task instances by SQL.

A container that starts sets its task instance to running; one that exits with code 0 sets it to success. A
killed one changes nothing. In production, a worker changes these rows through the API server, which uses one
transaction per change. So do these workers.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg2

from benchmarks.names import DAG_ID, name_in, number_of, run_id_of, task_id_of
from local_cloud.layers import encode

if TYPE_CHECKING:
    from local_cloud import Task

_CONNECTIONS = 8
_STARTS = """UPDATE task_instance SET state = 'running', start_date = now(), last_heartbeat_at = now(),
updated_at = now(), pid = 7, hostname = 'container'
WHERE dag_id = %s AND run_id = %s AND task_id = %s AND map_index = -1 AND state = 'queued'"""
_SUCCEEDS = """UPDATE task_instance SET state = 'success', end_date = now(), updated_at = now(),
duration = extract(epoch FROM now() - start_date)
WHERE dag_id = %s AND run_id = %s AND task_id = %s AND map_index = -1 AND state = 'running'"""


class Workers:
    """The workers of all containers.

    Args:
        address: Airflow's database, for psycopg2.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="workers")
        self._own = threading.local()
        self._exited: set[str] = set()

    def note(self, task: Task) -> None:
        """Handle a change of an ECS task."""
        if task.last_status == "RUNNING":
            self._pool.submit(self._change, task, _STARTS)
        elif task.arn not in self._exited and any(each.exit_code is not None for each in task.containers):
            self._exited.add(task.arn)
            if all(each.exit_code == 0 for each in task.containers):
                self._pool.submit(self._change, task, _SUCCEEDS)

    def begin(self, name: str) -> None:
        """Set the task instance of this name to running."""
        self._pool.submit(self._update, name, _STARTS)

    def succeed(self, name: str) -> None:
        """Set it to success."""
        self._pool.submit(self._update, name, _SUCCEEDS)

    def _change(self, task: Task, statement: str) -> None:
        if name := name_in(encode([task.overrides, dict(task.tags)])):
            self._update(name, statement)

    def _update(self, name: str, statement: str) -> None:
        cursor: Any = getattr(self._own, "cursor", None)
        if cursor is None:
            connection = psycopg2.connect(self._address)
            connection.autocommit = True
            cursor = self._own.cursor = connection.cursor()
        number = number_of(name)
        cursor.execute(statement, (DAG_ID, run_id_of(number), task_id_of(number)))
