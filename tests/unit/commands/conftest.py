"""A deployment without AWS: Terraform, ECS, logs and secrets that answer from a script, and a clock."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from botocore.exceptions import ClientError, NoRegionError

from aws_model import modelled
from terraform.commands import programs
from terraform.commands.context import Context
from terraform.commands.programs import CommandError
from terraform.commands.services import COMPONENTS

REGION, ACCOUNT, CLUSTER = "eu-west-1", "123456789012", "airflow"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
INPUTS = {
    "name": "airflow",
    "region": REGION,
    "size": "small",
    "nat": None,
    "architecture": "X86_64",
    "availability_zones": [],
    "existing_network": None,
    "interface_endpoints": [],
    "database_instance_class": None,
    "database_storage_gib": 20,
}
APPLIED = {
    "name": "airflow",
    "region": REGION,
    "account_id": ACCOUNT,
    "cluster_name": CLUSTER,
    "cluster_arn": f"{ARN}cluster/{CLUSTER}",
    "url": "http://localhost:8080",
    "admin_secret_arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:admin",
    "dags_bucket": "airflow-dags",
    "task_definition_family": "airflow-worker",
    "final_snapshot": "airflow-airflow-20261129",
    "security_group_ids": ["sg-1"],
    "component_log_group_names": {name: f"/airflow/{name}" for name in COMPONENTS},
    "control_repository_url": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/airflow/control",
}


class FakeTerraform:
    """Terraform that writes down what it is told; its first apply makes the outputs.

    Args:
        folder: the root module.
    """

    def __init__(self, folder):
        self.folder = folder
        self.ran = []
        self.state = {}
        self.inputs = dict(INPUTS)
        self.fails = {}
        """Exit sentence by the number of the apply."""
        self.meanwhile = lambda: None
        """What happens while an apply is watched."""
        self.watched = None

    def outputs(self):
        return dict(self.state)

    def variables(self, *names):
        return {name: self.inputs[name] for name in names}

    def run(self, *arguments, watch=None):
        self.ran.append(arguments)
        applies = len([each for each in self.ran if each[0] == "apply"])
        if watch is not None:
            self.meanwhile()
            self.watched = watch()
        if arguments[0] == "apply":
            self.state = dict(APPLIED)
            if applies in self.fails:
                raise CommandError(self.fails[applies])
        if arguments[0] == "destroy":
            self.state = {}

    @property
    def commands(self):
        """What was run, by the subcommand."""
        return [each[0] for each in self.ran]


class FakeEcs:
    """The services and tasks of a test."""

    class meta:  # noqa: N801  boto3's name
        region_name = REGION

    def __init__(self, world):
        self._world = world

    def describe_services(self, cluster, services):
        return {"services": [self._world.services[name] for name in services if name in self._world.services]}

    def list_service_deployments(self, cluster, service, status):
        return {
            "serviceDeployments": [{"serviceDeploymentArn": arn} for arn in self._world.rollbacks[service]]
        }

    def list_tasks(self, **request):
        name, status = request.get("serviceName"), request.get("desiredStatus", "RUNNING")
        return {
            "taskArns": [
                task["taskArn"]
                for task in self._world.tasks
                if (name is None or task["group"] == f"service:{name}")
                and (task["lastStatus"] == "STOPPED") == (status == "STOPPED")
            ]
        }

    def describe_tasks(self, cluster, tasks):
        return {"tasks": [task for task in self._world.tasks if task["taskArn"] in tasks], "failures": []}

    def run_task(self, **request):
        self._world.requests.append(request)
        task = self._world.task(
            "doctor", "STOPPED", containers=[container("scheduler", exitCode=self._world.doctor)]
        )
        self._world.tasks.append(task)
        return {"tasks": [task], "failures": []}

    def stop_task(self, cluster, task, reason):
        for each in self._world.tasks:
            if each["taskArn"] == task:
                each["lastStatus"] = "STOPPED"
        return {}


class World:
    """AWS, the terminal and the clock.

    Args:
        folder: the Terraform folder.
    """

    def __init__(self, folder):
        self.time = 0.0
        self.terraform = FakeTerraform(folder)
        self.services = {name: service(name) for name in COMPONENTS}
        self.rollbacks = {name: [] for name in COMPONENTS}
        """ARNs of service deployments that the circuit breaker ended."""
        self.tasks = []
        self.logs = {}
        self.secrets = {APPLIED["admin_secret_arn"]: {"username": "admin", "password": "word"}}
        self.requests = []
        self.doctor = 0
        self.account = ACCOUNT
        self.printed = []
        self.questions = []
        self.answer = "yes"
        self.region = REGION

    @property
    def context(self):
        """What the commands take."""
        return Context(
            terraform=self.terraform,
            clients=self._clients,
            ask=self._ask,
            say=self.printed.append,
            now=lambda: self.time,
            sleep=self._sleep,
        )

    @property
    def output(self):
        """What was printed."""
        return "\n".join(self.printed)

    def task(self, component, status="RUNNING", **fields):
        """Return a task of a component."""
        number = len(self.tasks) + 1
        return {
            "taskArn": f"{ARN}task/{CLUSTER}/{number}",
            "group": f"service:{component}",
            "lastStatus": status,
            "createdAt": dt.datetime(2026, 1, 1, 0, number, tzinfo=dt.timezone.utc),
            "containers": [container(component)],
            **fields,
        }

    def _clients(self, region):
        return self._client

    def _client(self, name):
        if name == "ecs":
            if self.region is None:
                raise NoRegionError
            return modelled(name, FakeEcs(self))
        return modelled(name, _Others(self))

    def _ask(self, question):
        self.questions.append(question)
        return self.answer

    def _sleep(self, seconds):
        self.time += seconds


class _Others:
    """STS, CloudWatch Logs and Secrets Manager, as far as the commands call them."""

    class exceptions:  # noqa: N801  boto3's name
        ResourceNotFoundException = ClientError

    def __init__(self, world):
        self._world = world

    def get_caller_identity(self):
        if not self._world.account:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetCallerIdentity")
        return {"Account": self._world.account}

    def get_log_events(self, **request):
        lines = self._world.logs.get((request["logGroupName"], request["logStreamName"]))
        if lines is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetLogEvents")
        return {"events": [{"message": line} for line in lines]}

    def get_secret_value(self, **request):
        return {"SecretString": json.dumps(self._world.secrets[request["SecretId"]])}


def container(name, **fields):
    """Return a container of a task."""
    return {"name": name, **fields}


def service(name, running=1, desired=1, states=("COMPLETED",)):
    """Return a service as ECS describes it."""
    return {
        "serviceName": name,
        "status": "ACTIVE",
        "runningCount": running,
        "desiredCount": desired,
        "deployments": [{"id": f"ecs-svc/{name}-{state}", "rolloutState": state} for state in states],
        "events": [{"message": f"(service {name}) says something"}],
        "taskDefinition": f"{ARN}task-definition/airflow-{name}:7",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-2"]}
        },
    }


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Nothing is deployed yet; every program is there."""
    monkeypatch.setattr(programs, "check", lambda *names: None)
    return World(tmp_path)


@pytest.fixture
def deployed(world):
    """The deployment is applied and runs."""
    world.terraform.state = dict(APPLIED)
    world.tasks = [world.task(name) for name in COMPONENTS]
    return world
