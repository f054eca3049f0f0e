"""Programs that are missing, settings that are not understood, and what it costs."""

from __future__ import annotations

import pytest

from terraform.commands import __main__, costs, programs
from terraform.commands.programs import CommandError, Terraform
from unit.commands.conftest import INPUTS


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A function that puts a program of this script on the PATH, which is otherwise empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TERRAFORM", raising=False)

    def put(name, script="exit 0"):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return put


def test_everything_that_is_missing_is_named_at_once(path):
    """With where to get it, so that it takes one round."""
    path("docker", "echo 27.0")
    with pytest.raises(CommandError) as raised:
        programs.check(*programs.NEEDED)
    text = str(raised.value)
    assert all(f"  {name}: https://" in text for name in ("terraform", "aws", "session-manager-plugin"))
    assert "docker" not in text


def test_a_docker_without_an_engine_is_said(path):
    """The command alone builds nothing."""
    path("docker", "exit 1")
    with pytest.raises(CommandError, match="no engine answers"):
        programs.check("docker")


@pytest.mark.parametrize(("said", "fits"), [("1.10.5", False), ("1.11.0", True), ("1.14.2", True)])
def test_terraform_is_new_enough_for_values_that_stay_out_of_the_state(path, said, fits):
    """Write-only arguments came with 1.11."""
    path("terraform", f"""echo '{{"terraform_version": "{said}"}}'""")
    if fits:
        programs.check("terraform")
    else:
        with pytest.raises(CommandError, match=r"1\.10\.5 is too old"):
            programs.check("terraform")


def test_variables_are_read_through_terraform_s_console(path, tmp_path):
    """It knows defaults and every .tfvars file; what it prints is JSON within a string."""
    path("terraform", r"""read line; case "$line" in *var.name*) echo '"{\"name\":\"data\"}"' ;; esac""")
    assert Terraform(tmp_path).variables("name") == {"name": "data"}


def test_a_failed_terraform_is_one_sentence(path, tmp_path):
    """Its own lines are above."""
    path("terraform", "exit 3")
    with pytest.raises(CommandError, match="terraform apply failed with exit code 3"):
        Terraform(tmp_path).run("apply")


def test_a_watch_that_gives_up_interrupts_terraform(path, tmp_path, monkeypatch):
    """Terraform then saves its state and ends; nobody waits twenty minutes for a service that ECS gave up."""
    monkeypatch.setattr(programs, "LOOK_SECONDS", 0.05)
    ready = tmp_path / "ready"
    path("terraform", f"trap 'exit 4' TERM; : >{ready}; while :; do /bin/sleep 0.05; done")
    with pytest.raises(CommandError, match="exit code 4"):
        Terraform(tmp_path).run("apply", watch=lambda: not ready.exists())


def test_a_setting_that_is_not_known_is_named(capsys):
    """With those that there are."""
    assert __main__.main(["dags", "FORM=dags"]) == 1
    assert "'FORM=dags' is not understood: give TERRAFORM_DIR, FROM" in capsys.readouterr().err


def test_destroy_gets_its_settings_and_the_folder(monkeypatch, tmp_path):
    """One `make destroy` for both kinds of deployment; terraform/destroy.py tells them apart."""
    given = []
    monkeypatch.setattr(__main__, "destroy", lambda words: given.append(words) or 0)
    assert __main__.main(["destroy", f"TERRAFORM_DIR={tmp_path}", "DRAIN=60", "CONFIRM=airflow"]) == 0
    assert {f"TERRAFORM_DIR={tmp_path}", "DRAIN=60", "CONFIRM=airflow", "SNAPSHOT=1"} <= set(given[0])


@pytest.mark.parametrize(
    ("inputs", "cost"),
    [
        ({"architecture": "ARM64", "nat": "public"}, 82),
        ({"architecture": "ARM64"}, 100),
        ({"architecture": "ARM64", "nat": "none"}, 195),
        ({}, 114),
        ({"size": "ha"}, 405),
    ],
)
def test_the_price_is_that_of_the_inputs(inputs, cost):
    """To the nearest few dollars: the documentation's table says the same."""
    parts = costs.monthly(INPUTS | inputs)
    assert sum(filter(None, parts.values())) == pytest.approx(cost, rel=0.04)


def test_a_price_that_is_not_known_is_said():
    """Another class of database has a question mark, and the sum leaves it out."""
    assert "database ?" in costs.lines(INPUTS | {"database_instance_class": "db.r9g.large"})[1]
