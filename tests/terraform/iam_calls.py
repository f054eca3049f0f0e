"""What AWS asks a policy about each call: actions, resources and context (Service Authorization Reference).

The calls are those of the executor, its commands, the worker and Airflow's own S3 log handler; any other is
an error here, so that a new one is thought about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from terraform.iam import ACCOUNT, REGION, Request


@dataclass(frozen=True)
class Place:
    """What is not in the calls themselves.

    Args:
        cluster: the cluster's name, for calls that name none.
        roles: ARNs of the roles in the task definition.
        keys: KMS keys by what they encrypt (a bucket, a queue, a secret's ARN); ``*`` for all others.
        tags: each ECS task's tags by its ARN; None if every one is a standby of the deployment ``airflow``.
    """

    cluster: str
    roles: tuple[str, ...]
    keys: Mapping[str, str]
    tags: Mapping[str, Mapping[str, str]] | None = None

    def arn(self, service: str, rest: str) -> str:
        """Return an ARN in the place's region and account."""
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"

    def context(self, call: Mapping[str, Any]) -> dict[str, str]:
        """Return the context of a call about a cluster."""
        return {"ecs:cluster": self.cluster_arn(call.get("cluster") or self.cluster)}

    def cluster_arn(self, cluster: str) -> str:
        """Return the ARN of a cluster that is named by its ARN or its name."""
        return cluster if cluster.startswith("arn:") else self.arn("ecs", f"cluster/{cluster}")

    def through(self, service: str, name: str, action: str) -> Request:
        """Return what KMS asks when a service uses the key for the caller."""
        key = self.keys.get(name) or self.keys["*"]
        return Request(action, key, {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"})


A_STANDBY = {"airflow-fargate:deployment": "airflow", "airflow-fargate:standby": "S"}

Asking = Callable[[Place, Mapping[str, Any]], Iterator[Request]]
"""Returns what AWS asks the policy about a call."""


def _run_task(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    definition = call["taskDefinition"]
    if not definition.startswith("arn:"):
        definition = place.arn("ecs", f"task-definition/{definition}")
    yield Request("ecs:RunTask", definition, place.context(call))
    overrides = call.get("overrides", {})
    named = (overrides.get("taskRoleArn"), overrides.get("executionRoleArn"))
    for role in {*place.roles, *(role for role in named if role)}:
        yield Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    if call.get("tags"):
        cluster = (call.get("cluster") or place.cluster).rpartition("/")[2]
        resource = place.arn("ecs", f"task/{cluster}/new")
        yield Request("ecs:TagResource", resource, {"ecs:CreateAction": "RunTask"})


def _tag_task(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    arn = call["resourceArn"]
    tags = A_STANDBY if place.tags is None else place.tags.get(arn, {})
    yield Request("ecs:TagResource", arn, {f"aws:ResourceTag/{name}": value for name, value in tags.items()})


def _about_tasks(action: str) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        cluster = (call.get("cluster") or place.cluster).rpartition("/")[2]
        for task in call.get("tasks") or [call["task"]]:
            arn = task if task.startswith("arn:") else place.arn("ecs", f"task/{cluster}/{task}")
            yield Request(action, arn, place.context(call))

    return requests


def _about_clusters(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    for cluster in call["clusters"]:
        yield Request("ecs:DescribeClusters", place.cluster_arn(cluster))


def _about_queue(action: str, key_action: str | None = None) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        queue = call["QueueUrl"].rpartition("/")[2]
        yield Request(action, place.arn("sqs", queue))
        if key_action:
            yield place.through("sqs", queue, key_action)

    return requests


def _about_object(action: str, key_action: str | None) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        yield Request(action, f"arn:aws:s3:::{call['Bucket']}/{call['Key']}")
        # A bucket that does not exist has no key.
        if key_action and not place.keys.keys().isdisjoint((call["Bucket"], "*")):
            yield place.through("s3", call["Bucket"], key_action)

    return requests


def _secret(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    yield Request("secretsmanager:GetSecretValue", call["SecretId"])
    yield place.through("secretsmanager", call["SecretId"], "kms:Decrypt")


def _list_bucket(_place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    yield Request("s3:ListBucket", f"arn:aws:s3:::{call['Bucket']}", {"s3:prefix": call.get("Prefix", "")})


def _log_events(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    stream = f"log-group:{call['logGroupName']}:log-stream:{call['logStreamName']}"
    yield Request("logs:GetLogEvents", place.arn("logs", stream))


def _about_repository(action: str) -> Asking:
    def requests(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
        yield Request(action, place.arn("ecr", f"repository/{call['repositoryName']}"))

    return requests


def _list_tasks(place: Place, call: Mapping[str, Any]) -> Iterator[Request]:
    yield Request("ecs:ListTasks", "*", place.context(call))


def _knows_no_resource(action: str) -> Asking:
    def requests(_place: Place, _call: Mapping[str, Any]) -> Iterator[Request]:
        yield Request(action, "*")

    return requests


def _the_bill(place: Place, _call: Mapping[str, Any]) -> Iterator[Request]:
    yield Request("ce:GetCostAndUsage", place.arn("ce", "/GetCostAndUsage"))


def _asks_nothing(_place: Place, _call: Mapping[str, Any]) -> Iterator[Request]:
    yield from ()


CALLS: dict[str, Asking] = {
    "run_task": _run_task,
    "tag_resource": _tag_task,
    "stop_task": _about_tasks("ecs:StopTask"),
    "describe_tasks": _about_tasks("ecs:DescribeTasks"),
    "list_tasks": _list_tasks,
    "describe_clusters": _about_clusters,
    "describe_task_definition": _knows_no_resource("ecs:DescribeTaskDefinition"),
    "describe_subnets": _knows_no_resource("ec2:DescribeSubnets"),
    "describe_log_groups": _knows_no_resource("logs:DescribeLogGroups"),
    "describe_route_tables": _knows_no_resource("ec2:DescribeRouteTables"),
    "describe_vpc_endpoints": _knows_no_resource("ec2:DescribeVpcEndpoints"),
    "describe_images": _about_repository("ecr:DescribeImages"),
    "batch_get_image": _about_repository("ecr:BatchGetImage"),
    "get_download_url_for_layer": _about_repository("ecr:GetDownloadUrlForLayer"),
    # Anyone signed in may ask who they are.
    "get_caller_identity": _asks_nothing,
    "receive_message": _about_queue("sqs:ReceiveMessage", "kms:Decrypt"),
    # A batch is permitted by the action of its single call.
    "delete_message": _about_queue("sqs:DeleteMessage"),
    "delete_message_batch": _about_queue("sqs:DeleteMessage"),
    "change_message_visibility": _about_queue("sqs:ChangeMessageVisibility"),
    "change_message_visibility_batch": _about_queue("sqs:ChangeMessageVisibility"),
    "get_queue_attributes": _about_queue("sqs:GetQueueAttributes"),
    "put_object": _about_object("s3:PutObject", "kms:GenerateDataKey"),
    "delete_object": _about_object("s3:DeleteObject", None),
    "get_object": _about_object("s3:GetObject", "kms:Decrypt"),
    "head_object": _about_object("s3:GetObject", "kms:Decrypt"),
    "head_bucket": _list_bucket,
    "list_objects": _list_bucket,
    "list_objects_v2": _list_bucket,
    "get_log_events": _log_events,
    "get_cost_and_usage": _the_bill,
    "get_secret_value": _secret,
}
"""boto3's method -> what AWS asks for it."""


def requests_of(place: Place, method: str, call: Mapping[str, Any]) -> list[Request]:
    """Return what AWS asks the policy about a call.

    Raises:
        KeyError: the call is not known here.
    """
    return list(CALLS[method](place, call))
