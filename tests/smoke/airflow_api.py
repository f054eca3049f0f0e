"""The part of Airflow's REST API that the smoke calls; each method returns parsed JSON."""

from __future__ import annotations

import ast
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from smoke.failure import SmokeError, UnansweredError


class AirflowApi:
    """A client of Airflow 3's ``/api/v2``.

    Args:
        url: address of the API server.
    """

    root = "/api/v2"

    def __init__(self, url: str) -> None:
        self.url = url
        self._token = ""

    def _call(self, method: str, path: str, body: object = None, accept: str = "application/json") -> Any:
        data = None if body is None else json.dumps(body).encode()
        said = self._send(method, path, data, {"Content-Type": "application/json", "Accept": accept})
        try:
            return json.loads(said)
        except ValueError as error:
            raise SmokeError(f"Airflow's answer to {method} {path} is not JSON: {error}.") from None

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> str:
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310  # our own
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                return str(reply.read().decode())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            kind = UnansweredError if error.code >= 500 and method == "GET" else SmokeError
            raise kind(f"Airflow answered {method} {path} with {error.code}: {said}") from None
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise UnansweredError(f"Airflow did not answer {method} {path}: {error}.") from None

    def log_in(self) -> None:
        """Get a token; in the smoke's Airflow, every user is an administrator."""
        self._token = self._call("GET", "/auth/token")["access_token"]

    def health(self) -> dict[str, Any]:
        """Return the health of the services by name."""
        return dict(self._call("GET", f"{self.root}/monitor/health"))

    def dag_ids(self) -> set[str]:
        """Return the DAGs that the DAG processor found."""
        return {dag["dag_id"] for dag in self._call("GET", f"{self.root}/dags?limit=100")["dags"]}

    def import_errors(self) -> list[str]:
        """Return the DAG processor's import errors."""
        errors = self._call("GET", f"{self.root}/importErrors?limit=100")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def trigger(self, dag_id: str, **asked: Any) -> str:
        """Start a run now and return its ID; ``asked`` are more keys of the request (conf, logical_date)."""
        asked = self._run_asked() | asked
        return str(self._call("POST", f"{self.root}/dags/{dag_id}/dagRuns", asked)["dag_run_id"])

    def _run_asked(self) -> dict[str, Any]:
        return {"logical_date": None}

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state."""
        return str(self._call("GET", f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}")["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the run's task instances, with one entry per mapped instance."""
        path = f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}/taskInstances?limit=100"
        return list(self._call("GET", path)["task_instances"])

    def tries(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> list[dict[str, Any]]:
        """Return every try of a task instance in order."""
        mapped = "" if map_index < 0 else f"/{map_index}"
        path = f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}/taskInstances/{task_id}{mapped}/tries"
        found = self._call("GET", path)["task_instances"]
        return sorted(found, key=lambda one: int(one["try_number"]))

    def log(self, dag_id: str, run_id: str, task_id: str, map_index: int, number: int) -> str:
        """Return the log of one try as Airflow's UI shows it."""
        path = (
            f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}/taskInstances/{task_id}/logs/{number}"
            f"?map_index={map_index}&full_content=true"
        )
        return self._log_text(self._call("GET", path)["content"])

    def _log_text(self, content: Any) -> str:
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in content)

    def event_log(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the event log's entries about a run, as Airflow's UI lists them."""
        found: list[dict[str, Any]] = []
        while True:
            page = (
                f"dag_id={dag_id}&run_id={_quote(run_id)}&order_by=event_log_id&limit=100&offset={len(found)}"
            )
            answer = self._call("GET", f"{self.root}/eventLogs?{page}")
            found += answer["event_logs"]
            if not answer["event_logs"] or len(found) >= int(answer["total_entries"]):
                return found

    def set_variable(self, key: str, value: str) -> None:
        """Create an Airflow variable."""
        self._call("POST", f"{self.root}/variables", {"key": key, "value": value})

    def mark_failed(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Mark a task instance failed, as in the UI."""
        path = f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}/taskInstances/{task_id}"
        self._call("PATCH", path, self._marked("failed"))

    def _marked(self, state: str) -> dict[str, Any]:
        return {"new_state": state}

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task instance, as in the UI."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        self._call("POST", f"{self.root}/dags/{dag_id}/clearTaskInstances", body)


class AirflowApi1(AirflowApi):
    """A client of Airflow 2's ``/api/v1``, where it differs."""

    root = "/api/v1"

    def log_in(self) -> None:
        """Do nothing: the smoke's Airflow 2 has no login."""

    def health(self) -> dict[str, Any]:
        """See above."""
        return dict(self._call("GET", f"{self.root}/health"))

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """See above. This posts the UI's form, because a running task keeps running after the API's clear."""
        run = self._call("GET", f"{self.root}/dags/{dag_id}/dagRuns/{_quote(run_id)}")
        form = {
            "dag_id": dag_id,
            "task_id": task_id,
            "execution_date": run["logical_date"],
            "confirmed": "true",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = self._send("POST", "/clear", urllib.parse.urlencode(form).encode(), headers)
        if not answer.startswith("1 "):
            raise SmokeError(f"Airflow cleared another task than {task_id}: {answer}.")

    def _run_asked(self) -> dict[str, Any]:
        return {}

    def _marked(self, state: str) -> dict[str, Any]:
        return {"new_state": state, "dry_run": False}

    def _log_text(self, content: Any) -> str:
        # A string with a Python literal: pairs of a host and its text.
        return "\n".join(text for _, text in ast.literal_eval(content))


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")
