"""What `prepare` makes of a database, by the revisions that it has."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from airflow_fargate.control import prepare as module
from airflow_fargate.control.database_login import Login
from airflow_fargate.control.prepare import Found, PrepareError, Schema, create, make_ready

CORE, FAB = "alembic_version", "alembic_version_fab"
SCHEMA = Schema(
    airflow="3.3.2",
    heads={CORE: "c3", FAB: "f2"},
    releases={CORE: {"c1": "3.1.8", "c2": "3.2.0", "c3": "3.3.0"}, FAB: {"f1": "1.4.0", "f2": "3.5.0"}},
)


@pytest.mark.parametrize(
    ("revisions", "has_users", "found"),
    [
        ({CORE: None, FAB: None}, False, Found.EMPTY),
        ({CORE: "c3", FAB: "f2"}, True, Found.READY),
        ({CORE: "c3", FAB: None}, False, Found.EMPTY),
        ({CORE: "c3", FAB: "f2"}, False, Found.EMPTY),
    ],
)
def test_a_database_is_empty_ready_or_half_made(revisions, has_users, found):
    """A first start that was cut short is finished by the next one."""
    assert SCHEMA.judge(revisions, has_users) is found


@pytest.mark.parametrize(
    ("revisions", "named"),
    [
        ({CORE: "c1", FAB: "f2"}, ["Airflow 3.1.8", "older", "3.3.2", "db migrate"]),
        ({CORE: "c3", FAB: "f1"}, ["FAB", "1.4.0", "older"]),
        ({CORE: "c4", FAB: "f2"}, ["c4", "newer", "3.3.2"]),
    ],
)
def test_another_release_s_database_is_refused(revisions, named):
    """Nothing is migrated on the way: one sentence names the releases and what to do."""
    with pytest.raises(PrepareError) as raised:
        SCHEMA.judge(revisions, has_users=True)
    assert all(word in str(raised.value) for word in named)


def test_a_failed_migration_ends_it(capsys):
    """The admin is not created in a database without tables."""
    ran = []

    class Done:
        returncode = 1

    def run(command, check):
        ran.append(command[2:])
        return Done

    with pytest.raises(PrepareError, match=r"airflow db migrate.*exit code 1"):
        create(SCHEMA, run)
    assert ran == [["airflow", "db", "migrate"]]


def test_tables_and_admin_are_created_in_this_order():
    """The admin is a row in those tables."""
    ran = []
    create(SCHEMA, lambda command, check: ran.append(command[2:]) or SimpleNamespace(returncode=0))
    assert ran == [["airflow", "db", "migrate"], ["airflow_fargate.control.admin", "--only-if-missing"]]


@pytest.mark.parametrize(
    ("looks", "created", "problem"),
    [
        ([Found.READY], 0, None),
        ([Found.EMPTY, Found.READY], 0, None),
        ([Found.EMPTY, Found.EMPTY, Found.READY], 1, None),
        ([Found.EMPTY, Found.EMPTY, Found.EMPTY], 1, "still not ready"),
    ],
)
def test_an_empty_database_is_prepared_by_one_container(monkeypatch, looks, created, problem):
    """Whoever has waited for the lock looks again, and finds what the other one made."""
    answers, done, locks = iter(looks), [], []
    monkeypatch.setattr(module, "look", lambda connection, schema: next(answers))
    monkeypatch.setattr(module, "create", done.append)
    monkeypatch.setattr(module, "execute", lambda connection, statement, *values: locks.append(values))
    if problem:
        with pytest.raises(PrepareError, match=problem):
            make_ready("connection", SCHEMA)
    else:
        make_ready("connection", SCHEMA)
    assert len(done) == created
    assert locks == ([] if len(looks) == 1 else [(module.LOCK,)])


def test_a_variable_that_is_missing_is_named(tmp_path, capsys):
    """The container was not started from Terraform's task definition."""
    assert module.prepare({}) == 1
    assert module.SCHEMA_VARIABLE in capsys.readouterr().out
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"airflow": "3.3.2", "heads": {}, "releases": {}}))
    assert module.prepare({module.SCHEMA_VARIABLE: str(file)}) == 1
    assert module.HOST_VARIABLE in capsys.readouterr().out


def test_a_database_that_is_away_is_one_sentence(tmp_path, monkeypatch, capsys):
    """ECS starts the container again, so it ends at once; the sentence has host and name."""
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"airflow": "3.3.2", "heads": {}, "releases": {}}))
    monkeypatch.setattr(module, "read_secret", lambda arn: Login("airflow", "word"))
    environment = {
        module.SCHEMA_VARIABLE: str(file),
        module.HOST_VARIABLE: "127.0.0.1",
        module.NAME_VARIABLE: "airflow",
        module.SECRET_VARIABLE: "arn",
    }
    monkeypatch.setenv("PGPORT", "1")
    assert module.prepare(environment) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "The database airflow at 127.0.0.1 cannot be reached" in line
