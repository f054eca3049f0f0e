"""The differences between Airflow releases in the smoke, and doctor's output about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from smoke import airflow_releases, doctor, settings
from smoke.airflow_services import AirflowHome

FITS = "ok    Airflow version  The image and the scheduler both have Airflow 2.11.2."


@pytest.mark.parametrize(("obtainable", "database"), [(True, "postgres"), (False, "sqlite")])
def test_each_release_has_its_image_and_database(
    monkeypatch: pytest.MonkeyPatch, *, obtainable: bool, database: str
) -> None:
    """The default is 3.3.2 on PostgreSQL; without one, SQLite serves, except on 2.11."""
    monkeypatch.setattr(settings, "obtainable", lambda: obtainable)
    chosen = {
        text: settings.read_settings({"HOME": "/", "AIRFLOW": text}) for text in ("", "2.11.2", "3.4.0b2")
    }
    assert [(each.release.version, each.database) for each in chosen.values()] == [
        ("3.3.2", database),
        ("2.11.2", "postgres"),
        ("3.4.0b2", database),
    ]
    assert [each.release.tasks_open_the_database for each in chosen.values()] == [False, True, False]
    assert len({each.release.worker_image for each in chosen.values()}) == 3


def test_a_releases_secrets_reach_its_containers_only() -> None:
    """The database's address is a secret of the containers, and the checks look for it in every text."""
    url = "postgresql+psycopg2://airflow:5ecret@127.0.0.1:5432/airflow"
    for_tasks = url.replace("127.0.0.1", "172.28.0.1")
    release = airflow_releases.find_release("2.11.2")
    home = AirflowHome(Path("/h"), Path("/v"), url, "172.28.0.1", 8080, "jwt", release, for_tasks)
    hidden = release.container_secrets(home)
    assert hidden == {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": for_tasks,
        "AIRFLOW__CORE__FERNET_KEY": home.fernet_key,
    }
    references = dict.fromkeys(hidden, "arn")
    assert release.terraform_inputs(home, "172.28.0.1", references) == {
        "airflow_port": 5432,
        "airflow_cidrs": ["172.28.0.1/32"],
        "worker_secrets": references,
    }
    assert {"5ecret", home.fernet_key} < set(home.secrets)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["ok    cluster  smoke is active.", FITS], 0),
        (["FAIL  cluster  No active cluster", FITS], 1),
        (["ok    cluster  smoke is active."], 1),
        (["FAIL  Airflow version  The image has Airflow 3.0.6, the scheduler 2.11.2"], 2),
    ],
)
def test_doctors_lines_are_checked(lines: list[str], wrong: int) -> None:
    """A FAIL is wrong, and so is a missing line about the image's release."""
    assert len(list(doctor.judge(lines, FITS))) == wrong
