"""Airflow's own components with the image's settings: their database, and their heartbeat files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from airflow_fargate.control import alive
from airflow_fargate.control.prepare import Found, Schema, connect, look
from airflow_fargate.control.schema import describe
from contract.control.conftest import child_environment

COMPONENTS = ("scheduler", "dag-processor", "triggerer")


@pytest.fixture(scope="module")
def migrated(database, tmp_path_factory):
    """An Airflow home whose database `airflow db migrate` has made, with the password from the secret."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(
        command, env=child_environment(database, home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_prepare_tells_an_empty_database_from_one_at_head(database, migrated, monkeypatch):
    """What `airflow db migrate` leaves is what the image's record of the schema calls ready."""
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    schema = Schema(**describe())
    connection = connect(database.environment)
    try:
        # Without the FAB auth manager there are no users: that part is tested in the image.
        assert look(connection, schema) is Found.EMPTY
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE ab_user (id int); INSERT INTO ab_user VALUES (1)")
        assert look(connection, schema) is Found.READY
    finally:
        connection.close()


def test_the_plugin_registers_no_listener():
    """Where a listener is registered, Airflow rejects DAGs whose tasks have `end_from_trigger=True`."""
    from airflow_fargate.control.heartbeat import HeartbeatPlugin  # noqa: PLC0415  imports Airflow

    assert HeartbeatPlugin.listeners == []


def test_each_component_touches_its_heartbeat_file(database, migrated, tmp_path):
    """Scheduler, DAG processor and triggerer, as they are; a component that is stopped falls silent."""
    started = {name: start(database, migrated, tmp_path / name, name) for name in COMPONENTS}
    try:
        for name, process in started.items():
            wait_for_file(tmp_path / name, process)
            os.kill(process.pid, signal.SIGSTOP)
        silent = {name: (tmp_path / name).stat().st_mtime for name in COMPONENTS}
        for name in COMPONENTS:
            environment = {alive.FILE_VARIABLE: str(tmp_path / name)}
            assert alive.check_heartbeat(environment) is None
            assert alive.check_heartbeat(environment, silent[name] + 300) is not None
    finally:
        for process in started.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def start(database, home, file, name):
    """Start a component with a heartbeat every second."""
    fast = {
        "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "0",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": "0",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        alive.FILE_VARIABLE: str(file),
    }
    with file.with_suffix(".log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", name],
            env=child_environment(database, home, **fast),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for_file(file, process):
    """Wait until a component has touched its file."""
    until = time.monotonic() + 120
    while not file.exists():
        log = file.with_suffix(".log")
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.2)
