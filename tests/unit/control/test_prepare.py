"""What `prepare` makes of a database, by the revisions that it has."""

from __future__ import annotations

import pytest

from airflow_fargate.control.prepare import Found, PrepareError, Schema, create

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
