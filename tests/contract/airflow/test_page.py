"""The page, in Airflow's own API app: who may see it, and what they see."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.page.plugin import FargatePlugin

if TYPE_CHECKING:
    from collections.abc import Iterator

SINCE, UNTIL = (3, 1), (3, 0)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return Airflow's app, on a database with one running task."""
    from airflow.api_fastapi.app import create_app, purge_cached_app  # noqa: PLC0415  3.0 and later

    import airflow_page  # noqa: PLC0415  imports Airflow
    from airflow_fargate.page import app as page  # noqa: PLC0415  3.1 and later

    arn = airflow_page.ARN.format(1)
    row = {"dag_id": "sales", "task_id": "load", "run_id": "run", "try_number": 1}
    buckets = airflow_page.StatusBucket({"payloads": airflow_page.a_status(arn)})
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("page")
    patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(folder / "passwords.json"))
    patch.setattr(page, "CACHED_SECONDS", 0.0)  # The plugin is made once in a process.
    patch.setattr(page, "shared_clients", lambda _: lambda _: buckets)
    row |= {"external_executor_id": arn, "start_date": airflow_page.minutes_ago(5)}
    with airflow_page.database(folder, [row]):
        yield create_app(apps="core")
        purge_cached_app()
    patch.undo()


def got(app: Any, path: str, role: str | None) -> Any:
    """Return the answer to a user of this role; None for nobody."""
    import airflow_page  # noqa: PLC0415  imports Airflow

    return airflow_page.get(app, path, role)


@pytest.mark.point("The page in Airflow asks Airflow's auth manager who may see it", since=SINCE)
def test_nobody_sees_the_page_without_a_login(app: Any) -> None:
    """Every path of the app is denied, those that do not exist included."""
    assert got(app, "/fargate/", None).status_code == 401
    assert "sales" not in got(app, "/fargate/", None).text
    for path in ("/fargate/docs", "/fargate/openapi.json", "/fargate/status"):
        assert got(app, path, "ADMIN").status_code == 404


@pytest.mark.point("The page in Airflow shows running containers from Airflow's database", since=SINCE)
def test_a_signed_in_user_sees_running_tasks(app: Any) -> None:
    """Airflow's row with the status's size; with a policy that lets nothing else in."""
    answer = got(app, "/fargate/", "VIEWER")
    assert answer.status_code == 200
    for text in ("sales.load", "0.5 vCPU, 1 GB", "scheduler-9", " s old", "5 min "):
        assert text in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.point("The page has an entry in Airflow's navigation", since=SINCE)
def test_the_navigation_has_an_entry(app: Any) -> None:
    """As the UI asks for it, at the address where the app is."""
    plugins = got(app, "/api/v2/plugins", "ADMIN").json()["plugins"]
    (ours,) = [each for each in plugins if each["name"] == "airflow_fargate"]
    (view,) = ours["external_views"]
    assert (view["name"], view["destination"], view["url_route"]) == ("Fargate", "nav", "fargate")
    assert got(app, view["href"], "ADMIN").status_code == 200


@pytest.mark.point("Each task instance has a link to its container", since=SINCE)
def test_each_task_instance_links_to_its_container(app: Any) -> None:
    """The API server computes it from the row, for an operator as it is in the database."""
    from airflow.sdk import DAG, BaseOperator  # noqa: PLC0415  3.0 and later
    from airflow.serialization import serialized_objects  # noqa: PLC0415  the same

    with DAG("sales", schedule=None) as dag:
        BaseOperator(task_id="load")
    serialization: Any = (
        getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    )
    task = serialization.from_dict(serialization.to_dict(dag)).get_task("load")
    key = SimpleNamespace(dag_id="sales", task_id="load", run_id="run", try_number=1, map_index=-1)
    assert "Container in ECS" in task.extra_links
    link = task.get_extra_links(SimpleNamespace(key=key), "Container in ECS")
    assert link.startswith("https://console.aws.amazon.com/ecs/v2/clusters/airflow/tasks/0000")
    key.try_number = 2
    assert task.get_extra_links(SimpleNamespace(key=key), "Container in ECS") == ""


@pytest.mark.point("The page's plugin loads and adds nothing where Airflow has no such pages", until=UNTIL)
def test_older_releases_are_not_touched() -> None:
    """Airflow loads the plugin without an error, and it is empty."""
    from airflow import plugins_manager  # noqa: PLC0415  slow

    plugins_manager.ensure_plugins_loaded()
    assert plugins_manager.import_errors == {}
    ours = FargatePlugin()
    assert (ours.fastapi_apps, ours.external_views, ours.global_operator_extra_links) == ([], [], [])
