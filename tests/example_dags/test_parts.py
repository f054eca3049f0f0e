"""What `make example-dags` selects, keeps and writes, and that its page matches the installed Airflow."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from example_dags import runs
from example_dags.__main__ import PAGE, read_kept
from example_dags.choice import CONF, LEFT_OUT, NOT_YET, PARTITIONS, QUICK, chosen
from example_dags.page import page, same
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class FakeApi:
    """Airflow's API: every run succeeds when its state is read a second time, except those in ``never``."""

    def __init__(self, never: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.never = never
        self.begun: dict[str, int] = {}
        self.paused: dict[str, bool] = {}
        self.given: dict[str, dict[str, Any]] = {}

    def trigger(self, name: str, *, logical_date: str, conf: dict[str, Any]) -> str:
        assert logical_date
        self.begun[name] = 0
        self.given[name] = conf
        return f"run-of-{name}"

    def task_instances(self, name: str, run_id: str) -> list[dict[str, Any]]:
        return [
            {"task_id": "one", "map_index": -1, "state": "success"},
            {"task_id": "many", "map_index": 1, "state": "skipped"},
        ]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        if method == "PATCH":
            self.paused[path.rpartition("/")[2]] = body["is_paused"]
            return {}
        found = []
        for name in self.begun:
            self.begun[name] += 1
            over = self.begun[name] > 1 and name not in self.never
            state = "success" if over else "running"
            found.append({"dag_id": name, "dag_run_id": f"run-of-{name}", "state": state})
        return {"dag_runs": found}


PROGRAMS: Any = SimpleNamespace(check=lambda: None, stop=SimpleNamespace(wait=lambda _: False))


def run(api: Any, names: list[str], until: float = float("inf")) -> runs.Ended:
    """Run DAGs without waiting."""
    ended: runs.Ended = {}
    runs.run_all(api, PROGRAMS, names, lambda _: None, ended, until)
    return ended


def test_each_dag_runs_once_and_is_paused_again() -> None:
    """With more DAGs than run at once, all end, with the states of their mapped tasks, and all are paused."""
    names = [f"dag-{number}" for number in range(2 * runs.AT_ONCE + 1)]
    api = FakeApi()
    ended = run(api, names)
    assert set(ended) == set(names)
    assert ended["dag-0"] == {"": "success", "one": "success", "many[1]": "skipped"}
    assert api.paused == dict.fromkeys(names, True)


def test_a_dag_that_does_not_end_in_time_keeps_its_last_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DAG that never ends does not block the others."""
    monkeypatch.setattr(runs, "DONE_WITHIN", -1.0)
    assert run(FakeApi({"hangs"}), ["hangs"])["hangs"][""] == "running"


def test_a_call_to_a_busy_api_server_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps its states if one call for them fails."""
    api, ended = FakeApi(), runs.Ended()
    answers = iter([SmokeError("timed out"), None, None, None])
    plain = api.task_instances

    def flaky(name: str, run_id: str) -> list[dict[str, Any]]:
        if error := next(answers):
            raise error
        return plain(name, run_id)

    monkeypatch.setattr(api, "task_instances", flaky)
    runs.run_all(cast("Any", api), PROGRAMS, ["one"], lambda _: None, ended)
    assert ended["one"]["one"] == "success"


def test_a_dag_gets_the_parameters_that_it_needs() -> None:
    """Parameters without a default are passed; other DAGs get none."""
    api = FakeApi()
    run(api, ["example_params_ui_tutorial", "one"])
    assert api.given == {"example_params_ui_tutorial": CONF["example_params_ui_tutorial"], "one": {}}


def test_no_dag_starts_after_the_time_limit() -> None:
    """A DAG that did not start has no states, so the next call runs it."""
    api = FakeApi()
    assert run(api, ["late"], until=0.0) == {}
    assert api.begun == {}


def test_states_of_another_release_are_dropped(tmp_path: Path) -> None:
    """States of one Airflow release are not compared with those of another."""
    kept, releases = tmp_path / "kept.json", {"apache-airflow": "3.3.2"}
    assert read_kept(kept, releases) == {"made_with": releases}
    kept.write_text(json.dumps({"made_with": releases, "local": {"a": {"": "success"}}}), encoding="utf-8")
    assert read_kept(kept, releases)["local"] == {"a": {"": "success"}}
    assert read_kept(kept, {"apache-airflow": "3.4.0"}) == {"made_with": {"apache-airflow": "3.4.0"}}


def test_a_dag_that_does_not_run_has_its_reason() -> None:
    """The reason is known by name or by file, or the DAG was not selected."""
    dags = [
        {"dag_id": "tutorial_objectstorage", "fileloc": "x.py"},
        {"dag_id": "rollup", "fileloc": "/a/example_asset_partition.py"},
        {"dag_id": "b", "fileloc": "b.py"},
        {"dag_id": "a", "fileloc": "a.py"},
    ]
    assert chosen(dags) == (
        ["a", "b"],
        {"rollup": PARTITIONS, "tutorial_objectstorage": LEFT_OUT["tutorial_objectstorage"]},
    )
    assert chosen(dags, ["a"])[0] == ["a"]
    assert chosen(dags, ["a"])[1]["b"] == NOT_YET


def test_a_difference_is_shown_by_task() -> None:
    """A task is shown with both states if they differ, or if only one executor ran it."""
    local = {"d": {"": "success", "t": "success"}, "e": {"": "success"}}
    fargate = {"d": {"": "failed", "t": "failed", "u": "success"}, "e": {"": "success"}}
    written = page(local, fargate, {"f": "waits for a person"}, {"apache-airflow": "3.3.2"}, "today")
    assert not same(fargate["d"], local["d"])
    assert "**no**: the run success / failed; t success / failed; u missing / success" in written
    assert "| `e` | 0 | - | - | yes |" in written
    assert "| `f` | waits for a person |" in written
    assert "apache-airflow 3.3.2; today." in written


def test_the_page_is_of_the_installed_release() -> None:
    """docs/example_dags.md was made with the installed Airflow; otherwise, run `make example-dags`."""
    made_with = re.search(r"apache-airflow (\d+\.\d+)", PAGE.read_text(encoding="utf-8"))
    assert made_with is not None
    assert version("apache-airflow").startswith(made_with[1] + ".")


def test_every_dag_with_a_reason_is_on_the_page() -> None:
    """A DAG that Airflow no longer has loses its reason too."""
    shown = set(re.findall(r"^\| `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {*LEFT_OUT, *QUICK} <= shown
