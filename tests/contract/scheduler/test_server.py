"""The tests' PostgreSQL server ends with the run that started it, however that ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from airflow_scheduler.postgres import TESTS, PostgresServer

KILLED_RUN = """
import os, signal
from airflow_scheduler.postgres import PostgresServer

with PostgresServer() as server:
    print(next(each["path"] for each in server._journal if each["kind"] == "folder"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_no_server_behind(server: PostgresServer) -> None:
    """After a SIGKILL, the server and its data are soon gone."""
    ended = subprocess.run([sys.executable, "-c", KILLED_RUN], cwd=TESTS, stdout=subprocess.PIPE, check=False)
    data = Path(ended.stdout.decode().strip())
    deadline = time.monotonic() + 60
    while data.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert data.name.startswith("airflow-fargate-postgres-")
    assert not data.exists()
