"""`make open`, `make password` and `make dags`."""

from __future__ import annotations

import json

import pytest

from aws_model import check_request, service_model
from terraform.commands import access, programs
from terraform.commands.programs import CommandError
from unit.commands.conftest import CLUSTER, container

TUNNEL = container("tunnel", runtimeId="0123abcd-4567")


@pytest.fixture
def ran(monkeypatch):
    """The commands that were run, each of which succeeds."""
    commands = []
    monkeypatch.setattr(programs, "run", lambda command: commands.append(command) or 0)
    return commands


def test_the_tunnel_is_a_call_that_ssm_takes(deployed, ran):
    """By botocore's model of StartSession; the target is the tunnel's container of the running API task."""
    deployed.tasks = [deployed.task("api", containers=[container("api", runtimeId="x"), TUNNEL])]
    request = access.session_request(deployed.context, deployed.terraform.outputs(), 9090)
    check_request(service_model("ssm").operation_model("StartSession"), request)
    assert request["Target"] == f"ecs:{CLUSTER}_5_0123abcd-4567"
    assert request["Parameters"] == {"portNumber": ["8080"], "localPortNumber": ["9090"]}


def test_open_prints_the_address_and_starts_the_session(deployed, ran):
    """The AWS CLI holds the tunnel open; its parameters are the request's."""
    deployed.tasks = [deployed.task("api", containers=[TUNNEL])]
    assert access.open_page(deployed.context, {"PORT": "9090"}) == 0
    assert "http://localhost:9090" in deployed.output
    (command,) = ran
    assert command[:5] == ["aws", "ssm", "start-session", "--region", "eu-west-1"]
    given = dict(zip(command[3::2], command[4::2], strict=True))
    assert given["--document-name"] == "AWS-StartPortForwardingSession"
    assert json.loads(given["--parameters"])["localPortNumber"] == ["9090"]


@pytest.mark.parametrize(
    ("tasks", "named"),
    [([], "no API server runs yet"), ([{"containers": [container("api")]}], "tunnel = true")],
)
def test_without_a_tunnel_there_is_one_sentence(deployed, tasks, named):
    """It tells a server that starts from a deployment without the tunnel."""
    deployed.tasks = [deployed.task("api", **each) for each in tasks]
    with pytest.raises(CommandError, match=named):
        access.open_page(deployed.context, {"PORT": "8080"})


def test_a_port_is_a_number(deployed):
    """The message has the value."""
    with pytest.raises(CommandError, match="'web'"):
        access.open_page(deployed.context, {"PORT": "web"})


def test_the_password_is_printed(deployed):
    """With the user's name, from the secret as it is now."""
    assert access.show_password(deployed.context, {}) == 0
    assert deployed.output == "user: admin\npassword: word"


def test_before_anything_is_deployed_each_says_so(world):
    """One sentence with the command that is missing."""
    for command in (access.show_password, access.open_page):
        with pytest.raises(CommandError, match="run make up first"):
            command(world.context, {"PORT": "8080"})


def test_dags_make_the_bucket_equal_to_the_folder(deployed, ran, tmp_path):
    """Deleted files go, too; caches and the repository's own files stay behind."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "hello.py").touch()
    assert access.upload_dags(deployed.context, {"FROM": str(folder)}) == 0
    (command,) = ran
    assert command[:5] == ["aws", "s3", "sync", str(folder), "s3://airflow-dags"]
    assert "--delete" in command
    assert {".git/*", "*__pycache__/*"} <= set(command)


@pytest.mark.parametrize(("name", "named"), [("nowhere", "not a folder"), ("empty", "no Python file")])
def test_a_wrong_folder_deletes_nothing(deployed, ran, tmp_path, name, named):
    """An empty folder would delete every DAG in the bucket."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match=named):
        access.upload_dags(deployed.context, {"FROM": str(tmp_path / name)})
    assert ran == []


def test_dags_that_come_from_elsewhere_are_not_uploaded(deployed, ran, tmp_path):
    """With dags_source image or git there is no bucket."""
    (tmp_path / "hello.py").touch()
    deployed.terraform.state["dags_bucket"] = None
    with pytest.raises(CommandError, match="dags_source"):
        access.upload_dags(deployed.context, {"FROM": str(tmp_path)})
