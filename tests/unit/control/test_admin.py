"""`admin`: the administrator's user follows its secret, with FAB's security manager as a stand-in.

The real one is in the image's tests; it differs in that it writes to a database and hashes the password.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from airflow_fargate.control import admin
from airflow_fargate.control.database_login import DatabaseLoginError, Login

LOGIN = Login("admin", "word")
MODULE = "airflow.providers.fab.auth_manager.cli_commands.utils"
ENVIRONMENT = {admin.ADMIN_VARIABLE: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:admin"}


class Users:
    """FAB's security manager: users and their passwords."""

    works = True

    def __init__(self):
        self.passwords = {}

    def find_user(self, username):
        return SimpleNamespace(id=username) if username in self.passwords else None

    def find_role(self, name):
        return name

    def add_user(self, username, *names_and_address_and_role):
        *_, role, password = names_and_address_and_role
        assert role == "Admin"
        if self.works:
            self.passwords[username] = password
        return self.works

    def reset_password(self, user_id, password):
        return self.add_user(user_id, "Admin", password)


@pytest.fixture
def users(monkeypatch):
    """FAB with no user, and a secret with the admin's login."""
    found = Users()

    @contextmanager
    def get_application_builder():
        yield SimpleNamespace(sm=found)

    module = ModuleType(MODULE)
    module.get_application_builder = get_application_builder
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setattr(admin, "read_secret", lambda arn: LOGIN)
    return found


def test_the_user_is_created_and_later_follows_the_secret(users, capsys):
    """A password that somebody changed by hand is that of the secret again; none is printed."""
    assert admin.set_admin(ENVIRONMENT) == 0
    assert users.passwords == {"admin": "word"}
    users.passwords["admin"] = "changed"
    assert admin.set_admin(ENVIRONMENT) == 0
    assert users.passwords == {"admin": "word"}
    assert "word" not in capsys.readouterr().out.replace("password", "")


def test_prepare_leaves_a_user_as_it_is(users):
    """Only the command `admin` sets a password again."""
    users.passwords["admin"] = "changed"
    assert admin.set_admin(ENVIRONMENT, only_if_missing=True) == 0
    assert users.passwords == {"admin": "changed"}


def test_what_fab_does_not_record_is_an_error(capsys):
    """FAB logs the reason and returns False."""
    users = Users()
    users.works = False
    assert admin.record(users, LOGIN, only_if_missing=False) == 1
    assert "admin" in capsys.readouterr().out


def test_without_a_secret_there_is_one_sentence(users, monkeypatch, capsys):
    """It names the variable, or the secret that cannot be read."""
    assert admin.set_admin({}) == 1
    assert admin.ADMIN_VARIABLE in capsys.readouterr().out

    def fail(arn):
        raise DatabaseLoginError(f"The secret {arn} cannot be read: gone")

    monkeypatch.setattr(admin, "read_secret", fail)
    assert admin.set_admin(ENVIRONMENT) == 1
    assert "secret:admin cannot be read" in capsys.readouterr().out
