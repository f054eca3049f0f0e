"""``airflow fargate migrate``: what AwsEcsExecutor's options become."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING

import pytest
from airflow.providers.amazon.get_provider_info import get_provider_info

from airflow_fargate.cli import migrate
from airflow_fargate.settings.config import read_config

if TYPE_CHECKING:
    from pathlib import Path

SECTION = {
    "region_name": "eu-west-1",
    "cluster": "data",
    "container_name": "airflow",
    "task_definition": "worker:7",
    "subnets": "subnet-1,subnet-2",
    "security_groups": "sg-1",
    "launch_type": "FARGATE",
    "platform_version": "1.4.0",
    "assign_public_ip": "True",
    "conn_id": "aws_default",
    "max_run_task_attempts": "3",
    "check_health_on_startup": "True",
}


def test_the_plain_options_become_a_section_that_the_executor_takes() -> None:
    """Same names or renamed; the executor reads the result without a complaint."""
    done = migrate.translate(SECTION)

    config = read_config(done.options, done.options.get)
    assert (config.region, config.cluster, config.task_definition) == ("eu-west-1", "data", "worker:7")
    assert (config.assign_public_ip, config.subnets) == ("ENABLED", ("subnet-1", "subnet-2"))
    assert done.faults() == []


@pytest.mark.parametrize("name", ["conn_id", "max_run_task_attempts", "check_health_on_startup"])
def test_an_option_without_a_counterpart_is_named_with_the_way_out(name: str) -> None:
    """It is a comment, not an option."""
    done = migrate.translate(SECTION)

    assert name not in done.options
    assert [note for note in done.notes if note.startswith(f"{name} has no counterpart: ")]


def test_every_option_of_the_provider_is_known() -> None:
    """A new option of the provider must be decided about here."""
    options = get_provider_info()["config"]["aws_ecs_executor"]["options"]

    done = migrate.translate({name: each["example"] or each["default"] for name, each in options.items()})

    assert [note for note in done.notes if "is not known" in note] == []


def test_a_strategy_becomes_an_order() -> None:
    """The provider's own example, in Python's spelling; base and weight are named as lost."""
    strategy = (
        "[{'capacityProvider': 'FARGATE', 'weight': 1}, {'capacityProvider': 'FARGATE_SPOT', 'weight': 5}]"
    )

    done = migrate.translate(SECTION | {"capacity_provider_strategy": strategy})

    assert done.options["capacity_chain"] == "FARGATE_SPOT,FARGATE"
    assert any("base and weight have no counterpart" in note for note in done.notes)


def test_a_strategy_that_nobody_can_read_is_a_comment() -> None:
    """Nothing is guessed."""
    done = migrate.translate(SECTION | {"capacity_provider_strategy": "mostly spot"})

    assert "capacity_chain" not in done.options
    assert any("capacity_provider_strategy could not be read" in note for note in done.notes)


def test_arguments_of_run_task_become_options_and_a_profile() -> None:
    """What has an option becomes that; the rest becomes run_task of the default queue's profile."""
    given = {
        "tags": [{"key": "team", "value": "data"}],
        "startedBy": "me",
        "enableExecuteCommand": True,
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-9"], "securityGroups": ["sg-9"]}
        },
        "overrides": {
            "cpu": "1024",
            "memory": "2048",
            "containerOverrides": [
                {"name": "airflow", "command": [], "environment": [{"name": "A", "value": "1"}]}
            ],
        },
    }
    section = {name: text for name, text in SECTION.items() if name not in ("subnets", "security_groups")}

    done = migrate.translate(section | {"run_task_kwargs": json.dumps(given)})

    config = read_config(done.options, done.options.get)
    assert config.tags == {"team": "data"}
    assert (config.subnets, config.security_groups) == (("subnet-9",), ("sg-9",))
    profile = config.profiles["default"]
    assert (profile.cpu, profile.memory) == (1024, 2048)
    assert profile.run_task["enableExecuteCommand"] is True
    (container,) = profile.run_task["overrides"]["containerOverrides"]
    assert container == {"name": "airflow", "environment": [{"name": "A", "value": "1"}]}
    assert any("startedBy is set by the executor itself" in note for note in done.notes)


def test_an_import_path_in_run_task_kwargs_points_to_the_function() -> None:
    """airflow-aws-executors takes the path of a dictionary there."""
    done = migrate.translate(SECTION | {"run_task_kwargs": "plugins.ecs.KWARGS"})

    assert any("execution_config_function" in note for note in done.notes)


def test_a_file_of_the_ancestor_is_read_and_printed_as_airflow_cfg(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its section has AIP-29's keys; percent signs stay doubled, since airflow.cfg is interpolated."""
    file = tmp_path / "airflow.cfg"
    file.write_text(
        "[ecs_fargate]\nregion = us-east-1\ncluster = c%%1\ncontainer_name = w\ntask_definition = d\n"
        "subnets = s\nsecurity_groups = g\nassign_public_ip = DISABLED\n"
    )

    code = migrate.main(Namespace(file=str(file), section="ecs_fargate"))

    printed = capsys.readouterr().out
    assert code == 0
    assert "executor = airflow_fargate.FargateExecutor" in printed
    assert "\ncluster = c%%1\n" in printed
    assert "assign_public_ip = DISABLED" in printed


@pytest.mark.parametrize("text", ["", "[core]\nexecutor = x\n", "no section\n"])
def test_nothing_to_translate_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """An empty file, another section, and what is no configuration at all: exit code 1."""
    file = tmp_path / "airflow.cfg"
    file.write_text(text)

    code = migrate.main(Namespace(file=str(file), section=None))

    assert code == 1
    assert str(file) in capsys.readouterr().err


def test_what_is_missing_is_a_comment_that_says_so() -> None:
    """An incomplete section is printed, with the executor's own complaints."""
    printed = str(migrate.translate({"cluster": "data"}))

    assert "# To correct: [fargate] subnets" in printed
