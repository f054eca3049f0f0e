"""Tests of the complete deployment's smoke: when it runs, how it finds Airflow, what it expects."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from smoke import deployed_airflow, deployment_commands, expectations, forward, settings
from smoke.deployed_airflow import DeployedApi
from smoke.failure import SmokeError, UnansweredError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ({}, False),
        ({"AIRFLOW": "3.2.2"}, False),
        ({"AIRFLOW": "2.11.2"}, True),
        ({"AIRFLOW": "3.0.6"}, True),
        ({"OWN_AIRFLOW": "1"}, True),
    ],
)
def test_the_complete_deployment_is_the_default(given: dict[str, str], *, own: bool) -> None:
    """Older releases and OWN_AIRFLOW=1 run your own Airflow beside the deployment instead."""
    assert settings.read_settings({"HOME": "/", **given}).own_airflow is own


@pytest.mark.parametrize("name", ["FAULTS", "PICTURES"])
def test_what_only_the_complete_deployment_has_is_refused_elsewhere(name: str) -> None:
    """One sentence that names both settings."""
    with pytest.raises(SmokeError, match=f"{name} needs the complete deployment.*OWN_AIRFLOW"):
        settings.read_settings({"HOME": "/", "OWN_AIRFLOW": "1", name: "1"})


def test_a_deferred_task_has_two_containers() -> None:
    """The first container exits with 81, the second with 0; every other try has one container."""
    codes = {task.task_id: one.exit_codes for _, task, one in expectations.COMPLETE.tries()}
    assert {name: found for name, found in codes.items() if len(found) != 1} == {
        "deferred": [0, expectations.RESUMES_LATER]
    }
    assert set(expectations.COMPLETE.run_states) == {task.dag_id for task in expectations.COMPLETE.tasks}


def test_the_dags_print_what_is_expected_of_them() -> None:
    """The DAG files cannot import the expectations, so this compares the two."""
    text = (deployment_commands.DAGS / "smoke_deployed.py").read_text(encoding="utf-8")
    lines = {
        task.task_id: task.tries[0].log_line
        for task in expectations.COMPLETE.tasks
        if task.dag_id == expectations.DEPLOYED
    }
    assert lines == {"imports_a_package": expectations.GREETING, "deferred": "back from the triggerer"}
    assert lines["deferred"] in text


def test_the_steps_of_make_up_are_shown_while_it_runs(tmp_path: Path) -> None:
    """The newest step is shown; Terraform's lines are not."""
    noted: list[tuple[str, str]] = []
    chosen = replace(settings.read_settings({"HOME": "/"}), state=tmp_path)
    chosen.logs.mkdir()
    session: Any = SimpleNamespace(
        settings=chosen, progress=SimpleNamespace(note=lambda *words: noted.append(words))
    )
    nobody: Any = None
    commands = deployment_commands.Commands(session, "terraform", nobody, nobody, tmp_path)
    log = chosen.logs / "make-up.log"
    for text in ("$ make up\n", "[1] check programs\n    3 s\n", "[2] apply: network\n[core]\n"):
        log.write_text((log.read_text() if log.exists() else "") + text)
        assert commands._tell("up") == ""
    assert noted == [("make up", "check programs"), ("make up", "apply: network")]


def _api_task(address: str, status: str = "RUNNING", created: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    details = [{"name": "privateIPv4Address", "value": address}]
    return {
        "group": "service:api",
        "lastStatus": status,
        "createdAt": created,
        "attachments": [{"details": details}],
    }


def test_the_newest_running_container_is_the_api_server() -> None:
    """During a replacement two containers can run."""
    old, new = _api_task("10.0.0.1"), _api_task("10.0.0.2", created="2026-01-02T00:00:00Z")
    gone = _api_task("10.0.0.3", "STOPPED", "2026-01-03T00:00:00Z")
    assert forward.address_of_api([new, old, gone]) == "10.0.0.2"
    assert forward.address_of_api([gone]) is None


class _Handler(http.server.BaseHTTPRequestHandler):
    """Airflow's API with one DAG, and the local cloud in which it runs."""

    running = True
    errors = 0

    def do_GET(self) -> None:
        if _Handler.errors:
            _Handler.errors -= 1
            self.send_error(500)
            return
        tasks = [_api_task("127.0.0.1")] if self.running else []
        found = {"tasks": tasks} if "_local" in self.path else {"dags": [{"dag_id": "one"}]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Serve an API with one DAG, and return its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(DeployedApi, "pause", 0.0)
    monkeypatch.setattr(deployed_airflow, "ASKED_AGAIN_SECONDS", 0.5)


def test_a_database_error_is_asked_about_again(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GET is repeated after a 500; if the error persists, it is raised."""
    monkeypatch.setattr(_Handler, "errors", 2)
    assert DeployedApi(lambda: server, "").dag_ids() == {"one"}
    monkeypatch.setattr(_Handler, "errors", 1 << 30)
    with pytest.raises(UnansweredError, match="with 500"):
        DeployedApi(lambda: server, "").dag_ids()


def test_the_api_is_followed_to_its_next_container(server: str) -> None:
    """If a container is gone, its replacement is looked up and the call is repeated."""
    addresses = [f"http://127.0.0.1:{settings.free_port()}", server]
    api = DeployedApi(lambda: addresses.pop(0), "")
    assert api.dag_ids() == {"one"}
    assert (addresses, api.url) == ([], server)


def test_a_port_of_this_machine_leads_to_the_api_server(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This is how KEEP=1 serves the page. Without an API server, the connection is closed."""
    monkeypatch.setattr(forward, "API_PORT", int(server.rpartition(":")[2]))
    port = settings.free_port()
    serving = threading.Thread(
        target=lambda: asyncio.run(forward.serve("127.0.0.1", port, server)), daemon=True
    )
    serving.start()
    while not settings.port_in_use(port, "127.0.0.1"):
        assert serving.is_alive()
    api = DeployedApi(lambda: f"http://127.0.0.1:{port}", "")
    assert api.dag_ids() == {"one"}
    monkeypatch.setattr(_Handler, "running", False)
    with pytest.raises(UnansweredError):
        api.dag_ids()


def test_a_replacement_is_tried_even_after_the_time_limit(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting to a container that is gone can take longer than the whole time limit."""
    monkeypatch.setattr(deployed_airflow, "ASKED_AGAIN_SECONDS", -1.0)
    addresses = [f"http://127.0.0.1:{settings.free_port()}", server]
    api = DeployedApi(lambda: addresses.pop(0), "")
    api.url = addresses.pop(0)
    assert api.dag_ids() == {"one"}


def test_an_answer_that_is_an_error_is_not_asked_for_again(server: str) -> None:
    """Only an unreachable server is asked again."""
    asked: list[str] = []

    def find() -> str:
        asked.append(server)
        return server

    with pytest.raises(SmokeError, match="501"):
        DeployedApi(find, "").token("wrong")
    assert len(asked) == 1
