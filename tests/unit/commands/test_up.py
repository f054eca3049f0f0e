"""`make up`: its steps, its questions, and what it says when a step fails."""

from __future__ import annotations

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from terraform.commands import up as module
from terraform.commands.programs import CommandError
from unit.commands.conftest import APPLIED, ARN, container, service

SETTINGS = {"NAME": "", "REGION": "", "SIZE": "", "AUTO_APPROVE": ""}


class FakeImages:
    """Images that are built at once; ``pushed`` are the outputs they were pushed for."""

    def __init__(self, world):
        self.world, self.pushed, self.beside = world, [], []

    @contextlib.contextmanager
    def being_built(self, architecture):
        """Record which Terraform commands run inside the block."""
        before = len(self.world.terraform.commands)
        yield
        self.beside.append((architecture, self.world.terraform.commands[before:]))

    def build_and_push(self, outputs):
        """Record the outputs."""
        self.pushed.append(outputs)


def up(world, **settings):
    """Run it; return its exit code and the images."""
    images = FakeImages(world)
    return module.up(world.context, SETTINGS | settings, images), images


def failure(world, **settings):
    """Run it; return what it fails with."""
    with pytest.raises(CommandError) as raised:
        up(world, **settings)
    return str(raised.value)


def test_from_an_empty_account_to_a_login(world):
    """Two applies with the images between them, the doctor, and what to do next."""
    code, images = up(world)
    assert (code, world.terraform.commands, len(images.pushed)) == (0, ["init", "apply", "apply"], 1)
    assert images.pushed[0]["control_repository_url"] == APPLIED["control_repository_url"]
    assert images.beside == [("X86_64", ["apply"])]  # and built while the first apply waits for AWS
    for word in ("make open", "make password", "make dags", "make destroy", APPLIED["url"]):
        assert word in world.output


def test_account_region_and_price_are_named_before_anything_is_changed(world):
    """The answer is asked for once, and Terraform has only been initialised by then."""
    world.answer = "no"
    assert "nothing was changed" in failure(world)
    assert world.terraform.commands == ["init"]
    assert len(world.questions) == 1
    for word in (
        "123456789012",
        "eu-west-1",
        "airflow, size small",
        "USD a month without tasks",
        "database 14",
    ):
        assert word in world.output


def test_auto_approve_asks_nothing(world):
    """For a pipeline."""
    assert up(world, AUTO_APPROVE="1")[0] == 0
    assert world.questions == []


def test_a_repetition_builds_before_it_applies(deployed):
    """A broken image is replaced, and not waited for once more."""
    _, images = up(deployed)
    assert (deployed.terraform.commands, len(images.pushed)) == (["init", "apply"], 1)
    assert images.beside == []


def test_a_first_apply_that_failed_is_repeated(world):
    """Without repositories, everything but the services is applied again, and then comes the rest."""
    world.terraform.fails = {1: "terraform apply failed: quota"}
    assert "quota" in failure(world)
    world.terraform.fails = {}
    world.terraform.state = {"name": "airflow"}
    assert up(world)[0] == 0
    assert world.terraform.commands == ["init", "apply", "init", "apply", "apply"]


def test_images_of_a_deleted_deployment_are_forgotten(world):
    """After a destroy by hand, the record would start services whose images are gone."""
    record = world.terraform.folder / module.RECORD_FILE
    record.write_text("{}")
    up(world)
    assert not record.exists()


def test_inputs_are_kept_for_the_next_run_and_for_the_destroy(world):
    """Terraform reads them in every later command; what is not given again stays."""
    up(world, NAME="data", SIZE="ha")
    world.terraform.state["name"] = "data"
    up(world, SIZE="small")
    kept = json.loads((world.terraform.folder / module.INPUTS_FILE).read_text())
    assert kept == {"name": "data", "size": "small"}


def test_another_name_does_not_replace_the_deployment(deployed):
    """Terraform would delete the first one, database included."""
    assert "has the deployment airflow" in failure(deployed, NAME="second")
    assert deployed.terraform.commands == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"account": ""}, "credentials are missing, expired or wrong"),
        ({"region": None}, "REGION="),
        ({"account": "210987654321"}, "the deployment is in 123456789012"),
    ],
)
def test_credentials_that_do_not_fit_are_one_sentence(deployed, change, named):
    """Before anything is changed."""
    vars(deployed).update(change)
    assert named in failure(deployed)
    assert "apply" not in deployed.terraform.commands


def test_a_service_that_does_not_start_ends_it_with_its_reason(world):
    """Stop reason, exit code and last log lines of the container that failed, and how to go on."""
    broken = {"api": service("api", running=0, states=("FAILED",))}
    world.terraform.meanwhile = lambda: world.services.update(broken)
    world.tasks = [
        world.task(
            "api",
            "STOPPED",
            stoppedReason="Essential container in task exited",
            containers=[
                container("api"),
                container("prepare", exitCode=1),
                container("tunnel", exitCode=137),
            ],
        )
    ]
    world.logs["/airflow/api", "api/prepare/1"] = ["first", "the database is \x1b[31mtoo old"]
    world.terraform.fails = {2: "terraform apply failed with exit code 1: its lines above say why."}
    text = failure(world)
    for word in (
        "api 0/1 failed",
        "Essential container",
        "container prepare, exit code 1",
        "| first",
        "too old",
    ):
        assert word in text
    assert "run make up again" in text
    assert "\x1b" not in text
    assert "scheduler" not in text


def test_a_container_that_a_deployment_replaced_is_not_the_reason(world):
    """The newest one that failed by itself is, and a failed health check counts."""
    broken = {"scheduler": service("scheduler", running=0, states=("FAILED",))}
    world.terraform.meanwhile = lambda: world.services.update(broken)
    world.tasks = [
        world.task("scheduler", "STOPPED", stoppedReason="Task failed container health checks"),
        world.task("scheduler", "STOPPED", stoppedReason="Scaling activity initiated by (deployment 1)"),
    ]
    world.terraform.fails = {2: "failed"}
    text = failure(world)
    assert "health checks" in text
    assert "It wrote nothing" in text


def test_a_service_that_is_back_on_its_old_version_is_explained_too(world):
    """ECS has rolled back before anybody looked: everything is steady, and the apply has failed."""
    world.rollbacks["scheduler"] = [f"{ARN}service-deployment/airflow/scheduler/earlier"]
    world.terraform.meanwhile = lambda: world.rollbacks["api"].append(
        f"{ARN}service-deployment/airflow/api/1"
    )
    world.tasks = [
        world.task(
            "api",
            "STOPPED",
            stoppedReason="Essential container in task exited",
            containers=[container("api", exitCode=78)],
        )
    ]
    world.terraform.fails = {2: "terraform apply failed with exit code 1: its lines above say why."}
    text = failure(world)
    assert "api 1/1 steady, back on its old version" in text
    assert "container api, exit code 78" in text
    assert "scheduler" not in text


def test_the_failure_of_an_earlier_run_does_not_end_this_one(world):
    """ECS shows a failed deployment until the next one has taken its place."""
    world.services["api"] = service("api", running=0, states=("FAILED",))
    world.terraform.meanwhile = lambda: None
    with pytest.raises(CommandError, match="within 15 minutes"):
        up(world)
    assert world.terraform.watched is True


def test_an_answer_of_aws_that_is_lost_does_not_end_it(world, monkeypatch):
    """Terraform goes on applying; the next look may succeed."""
    fake = type(world.context.clients(None)("ecs")._client)

    def fail(*_args, **_options):
        monkeypatch.setattr(fake, "describe_services", answers)
        raise ClientError({"Error": {"Code": "Throttling"}}, "DescribeServices")

    answers = fake.describe_services
    world.terraform.meanwhile = lambda: monkeypatch.setattr(fake, "describe_services", fail)
    assert up(world)[0] == 0
    assert "cannot be looked at now" in world.output


def test_services_that_never_become_steady_end_it(world):
    """After fifteen minutes, ECS's own words say what it waits for."""
    world.services["triggerer"] = service("triggerer", running=0, states=("IN_PROGRESS",))
    text = failure(world)
    assert "triggerer 0/1 starting" in text
    assert "(service triggerer) says something" in text
    assert world.time >= 900


def test_a_container_that_exits_after_each_start_is_not_steady(world):
    """It runs at every other look: steady is who stays so."""
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        world.time += seconds
        world.services["api"] = service("api", running=len(looks) % 2)

    context = world.context
    context.sleep = sleep
    with pytest.raises(CommandError, match="within 15 minutes"):
        module.up(context, SETTINGS, FakeImages(world))


def test_progress_is_printed_when_it_changes(world):
    """One line for each change, not one for each look."""
    world.services["api"] = service("api", running=0, states=("IN_PROGRESS",))
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        world.time += seconds
        if len(looks) == 5:
            world.services["api"] = service("api")

    context = world.context
    context.sleep = sleep
    assert module.up(context, SETTINGS, FakeImages(world)) == 0
    assert [line for line in world.printed if "api 0/1 starting" in line] != []
    assert len([line for line in world.printed if "scheduler 1/1" in line]) == 2


def test_the_doctor_is_asked_where_the_scheduler_runs(deployed):
    """Its task definition, network and role; its lines are printed, and a failed check is exit code 1."""
    deployed.doctor = 1
    deployed.logs["/airflow/scheduler", "scheduler/scheduler/5"] = ["FAIL  image  is missing"]
    assert up(deployed)[0] == 1
    (request,) = deployed.requests
    assert request["taskDefinition"].endswith("airflow-scheduler:7")
    assert request["networkConfiguration"] == service("scheduler")["networkConfiguration"]
    assert request["overrides"]["containerOverrides"][0]["command"] == ["fargate", "doctor"]
    assert "FAIL  image  is missing" in deployed.output
