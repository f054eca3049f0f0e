"""What the control image's entrypoint does with its words and its environment."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from airflow_fargate.control import alive, entrypoint

DATABASE = {"AIRFLOW_FARGATE_DATABASE_HOST": "db.internal", "AIRFLOW_FARGATE_DATABASE_NAME": "airflow"}


def test_the_database_s_url_holds_no_password():
    """Host and name are all it has."""
    made = entrypoint.airflow_environment(DATABASE)
    assert made == {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://db.internal:5432/airflow"}


def test_a_database_of_one_s_own_stays():
    """A URL that the task definition gives wins."""
    assert entrypoint.airflow_environment(DATABASE | {entrypoint.DATABASE_VARIABLE: "sqlite://"}) == {}


@pytest.mark.parametrize(
    ("current", "previous", "made"),
    [("new", "old", "new,old"), ("new", "", None), ("new,old", "old", None), ("same", "same", None)],
)
def test_the_previous_fernet_key_still_decrypts(current, previous, made):
    """After a rotation both keys are given, the new one first, which encrypts."""
    environment = {"AIRFLOW__CORE__FERNET_KEY": current, "AIRFLOW_FARGATE_PREVIOUS_FERNET_KEY": previous}
    assert entrypoint.airflow_environment(environment).get("AIRFLOW__CORE__FERNET_KEY") == made


@pytest.mark.parametrize("words", [["scheduler"], ["airflow", "scheduler"]])
def test_other_words_are_airflow_s(monkeypatch, words):
    """The process becomes Airflow's CLI, so that signals reach it."""
    became = []
    monkeypatch.setattr(os, "execvp", lambda program, argv: became.append(argv))
    entrypoint.run(words)
    assert became == [[sys.executable, "-m", "airflow", "scheduler"]]


@pytest.mark.parametrize("words", [[], ["airflow"], ["alive", "scheduler"]])
def test_a_command_that_is_not_one_says_what_there_is(words, capsys):
    """No word, or a word too many, ends with exit code 64 and the possible commands."""
    assert entrypoint.run(words) == entrypoint.USAGE
    assert "alive" in capsys.readouterr().out


@pytest.mark.parametrize(("age", "healthy"), [(0, True), (299, True), (301, False)])
def test_a_component_is_alive_for_300_seconds_after_a_heartbeat(tmp_path, age, healthy):
    """A database failover of two minutes is survived; a hung component is not."""
    file = tmp_path / "heartbeat"
    file.touch()
    now = file.stat().st_mtime + age
    assert (alive.check_heartbeat({alive.FILE_VARIABLE: str(file)}, now) is None) == healthy


def test_no_heartbeat_yet_is_not_alive(tmp_path, monkeypatch, capsys):
    """ECS's start period covers the time until the first one; the line says which file is missing."""
    monkeypatch.setenv(alive.FILE_VARIABLE, str(tmp_path / "heartbeat"))
    assert entrypoint.run(["alive"]) == entrypoint.FAILED
    assert f"{tmp_path}/heartbeat" in capsys.readouterr().out


@pytest.fixture
def api():
    """A function that starts a server which answers with this status; it returns the port."""
    servers = []

    def start(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/execution/health" else 404)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_api_server_is_asked_for_its_execution_api(api):
    """Only the execution API's own answer counts: tasks depend on that one."""
    assert alive.check_api("127.0.0.1", api(200)) is None
    assert "503" in (alive.check_api("127.0.0.1", api(503)) or "")


def test_an_api_server_that_is_away_is_not_alive():
    """Nobody listens there."""
    assert "does not answer" in (alive.check_api("127.0.0.1", 1) or "")


def test_a_health_check_imports_neither_airflow_nor_boto3(tmp_path):
    """It runs every 30 seconds on a quarter of a vCPU."""
    file = tmp_path / "heartbeat"
    file.touch()
    script = (
        "import sys; from airflow_fargate.control.entrypoint import run; code = run(['alive']);"
        "print(code, sorted({'airflow', 'boto3', 'psycopg2', 'asyncio'} & set(sys.modules)))"
    )
    environment = os.environ | {alive.FILE_VARIABLE: str(file)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 []\n"
