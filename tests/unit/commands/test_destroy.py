"""`make destroy` of the complete deployment."""

from __future__ import annotations

import pytest

from terraform.commands.destroy import destroy
from terraform.commands.programs import CommandError
from terraform.commands.up import RECORD_FILE
from unit.commands.conftest import ARN

SETTINGS = {"CONFIRM": "", "SNAPSHOT": "1", "DRAIN": "0"}


@pytest.fixture
def named(deployed):
    """Somebody types the right name."""
    deployed.answer = "airflow"
    (deployed.terraform.folder / RECORD_FILE).write_text("{}")
    return deployed


def test_everything_goes_but_a_snapshot(named):
    """The name is asked for; the record of the images goes, so that make up begins anew."""
    assert destroy(named.context, SETTINGS) == 0
    assert len(named.questions) == 1
    assert named.terraform.commands == ["init", "apply", "destroy"]
    _, apply, destroyed = named.terraform.ran
    assert {"-var=force_destroy=true", "-var=database_final_snapshot=true", "-var=images=null"} <= set(apply)
    assert {"-var=force_destroy=true", "-var=database_final_snapshot=true"} <= set(destroyed)
    assert not (named.terraform.folder / RECORD_FILE).exists()
    assert "airflow-airflow-20261129" in named.output
    assert "KMS" in named.output


def test_another_name_changes_nothing(named):
    """A slip of the fingers is no destroy."""
    named.answer = "airflwo"
    with pytest.raises(CommandError, match=r"nothing was changed.*'airflwo'"):
        destroy(named.context, SETTINGS)
    assert named.terraform.commands == ["init"]
    assert named.requests == []


def test_the_name_can_be_given(named):
    """For a pipeline: no question is asked."""
    destroy(named.context, SETTINGS | {"CONFIRM": "airflow"})
    assert named.questions == []


def test_a_snapshot_is_left_out_only_when_told(named):
    """And the question says so."""
    destroy(named.context, SETTINGS | {"SNAPSHOT": "0"})
    assert "-var=database_final_snapshot=false" in named.terraform.ran[-1]
    assert "WITHOUT a snapshot" in named.output
    assert "last snapshot is" not in named.output


def test_the_scheduler_stops_first_and_tasks_before_the_destroy(named):
    """Nothing starts tasks any more; what still runs is stopped, and autoscaling raises nothing again."""
    named.tasks.append(named.task("a-dag-s-task"))
    named.targets = [
        {
            "ServiceNamespace": "ecs",
            "ResourceId": "service/airflow/api",
            "ScalableDimension": "ecs:service:DesiredCount",
        }
    ]
    destroy(named.context, SETTINGS)
    counts = [each for each in named.requests if "service" in each]
    assert [each["service"] for each in counts] == ["scheduler", "api", "dag-processor", "triggerer"]
    assert {each["desiredCount"] for each in counts} == {0}
    assert [each["MaxCapacity"] for each in named.requests if "ResourceId" in each] == [0]
    assert {task["lastStatus"] for task in named.tasks} == {"STOPPED"}


def test_revisions_of_task_definitions_go_too(named):
    """Terraform keeps them for rollbacks; those of a deployment with a longer name stay."""
    mine = [
        f"{ARN}task-definition/airflow-{name}:{number}" for name in ("api", "worker") for number in range(12)
    ]
    others = [f"{ARN}task-definition/{name}:1" for name in ("airflow-api-2", "second-airflow-api")]
    named.definitions = dict.fromkeys(mine + others, "ACTIVE") | {mine[0]: "INACTIVE"}
    destroy(named.context, SETTINGS)
    assert named.definitions == dict.fromkeys(others, "ACTIVE")


def test_half_a_deployment_is_destroyed_all_the_same(named):
    """Where make up has failed, an apply fails again; the destroy does not depend on it."""
    named.terraform.fails = {1: "terraform apply failed: quota."}
    assert destroy(named.context, SETTINGS) == 0
    assert named.terraform.commands[-1] == "destroy"
    assert "quota. Going on" in named.output


def test_without_a_cluster_terraform_destroys_what_there_is(world):
    """The name is the input's, since there are no outputs."""
    world.answer = "airflow"
    assert destroy(world.context, SETTINGS) == 0
    assert world.terraform.commands == ["init", "destroy"]
