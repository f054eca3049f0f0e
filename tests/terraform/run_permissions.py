"""Judges a run on the local cloud: was every call permitted, and was every permission needed?

As a program: ``python -m terraform.run_permissions OUTPUTS.json FINDINGS.json [commands]`` asks the local
cloud (started with ``--record-calls``; its address is in the environment) who called what, reads the policies
as they were applied, and writes a list of sentences, empty when all is well. Needs boto3.

Callers are known by their access key. Airflow's services beside a deployment are given their own names as
keys. Containers, those of a complete deployment's components included, have the keys that the local cloud
made for their tasks. What Terraform and the tests call is not judged.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from terraform.iam import Policy
from terraform.iam_calls import Place, requests_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from terraform.iam import Grant

SERVICES = {
    "scheduler": "scheduler",
    "api-server": "reader",
    "webserver": "reader",
    "triggerer": "triggerer",
}
"""The access key of one of Airflow's services beside a deployment -> whose policy it bears."""
COMPONENTS = {
    "api": "reader",
    "scheduler": "scheduler",
    "dag-processor": "dag-processor",
    "triggerer": "triggerer",
}
"""The component of a complete deployment -> the same."""
BESIDE = ("scheduler", "reader", "task")
"""Who calls AWS in a run beside a deployment, which has no triggerer."""
TASK_KEY = "ASIA"

NOT_IN_A_RUN: dict[tuple[str, str, str], str] = {
    ("task", "SeeThatALogIsNotThere", "s3:ListBucket"): (
        "no call of its own: S3 asks for it when HeadObject meets a key that is not there"
    ),
    ("triggerer", "SeeThatALogIsNotThere", "s3:ListBucket"): "the same",
    ("task", "KeyOfDags", "kms:Decrypt"): "the task's own policy allows the same with this key",
    ("task", "AnswerAnOffer", "s3:GetObject"): "only when a scheduler takes an offer back",
    ("reader", "ShowTheLogOfARunningTask", "logs:GetLogEvents"): "only when someone looks at a running task",
    ("reader", "FindARunningTask", "ecs:ListTasks"): "only when another scheduler reported the task's ARN",
    ("reader", "DescribeARunningTask", "ecs:DescribeTasks"): "the same",
    ("reader", "Tunnel", "ssmmessages:CreateControlChannel"): "SSM's agent in the tunnel's container",
    ("reader", "Tunnel", "ssmmessages:CreateDataChannel"): "the same",
    ("reader", "Tunnel", "ssmmessages:OpenControlChannel"): "the same",
    ("reader", "Tunnel", "ssmmessages:OpenDataChannel"): "the same",
    ("reader", "ReadStatus", "s3:GetObject"): "only when someone looks at the page about Fargate",
    ("reader", "FindStatus", "s3:ListBucket"): "the same",
    ("reader", "KeyOfStatus", "kms:Decrypt"): "the same",
    ("scheduler", "FindTasksAfterARestart", "ecs:ListTasks"): "only when one dies with a launch under way",
    ("scheduler", "FollowAndStop", "ecs:StopTask"): "only when a task is cleared or times out",
    ("scheduler", "ListenToTaskEvents", "sqs:ChangeMessageVisibility"): "only with several schedulers",
    ("scheduler", "ListenToTaskEvents", "sqs:GetQueueAttributes"): "the doctor",
    ("scheduler", "HandWorkloadsOver", "s3:DeleteObject"): "the doctor, and launches that never ran",
    ("scheduler", "LastLinesOfAContainer", "logs:GetLogEvents"): "only when a container fails",
    ("scheduler", "DoctorLooksAtTheCluster", "ecs:DescribeClusters"): "the doctor",
    ("scheduler", "DoctorLooksAround", "ecs:DescribeTaskDefinition"): "the doctor",
    ("scheduler", "DoctorLooksAround", "ec2:DescribeSubnets"): "the doctor",
    ("scheduler", "DoctorLooksAround", "logs:DescribeLogGroups"): "the doctor",
    ("scheduler", "DoctorLooksAround", "ec2:DescribeRouteTables"): "the doctor",
    ("scheduler", "DoctorLooksAround", "ec2:DescribeVpcEndpoints"): "the doctor",
    ("scheduler", "DoctorLooksForTheImage", "ecr:DescribeImages"): "the doctor",
    ("scheduler", "DoctorLooksForTheImage", "ecr:BatchGetImage"): "the doctor",
    ("scheduler", "DoctorLooksForTheImage", "ecr:GetDownloadUrlForLayer"): "the doctor",
    ("scheduler", "AskForFates", "s3:GetObject"): "only when one dies with a launch under way",
    ("scheduler", "KeyOfPayloads", "kms:Decrypt"): "the same",
    ("scheduler", "TakeOffersBack", "s3:PutObject"): "only when one with standbys dies with an offer open",
}
"""Permissions that a run need not use, and why. Those of the scheduler are used by the scenarios and the
commands' tests (``test_under_policy.py`` holds them to it), so that each is used somewhere."""


NOT_WITH_COMMANDS: dict[tuple[str, str, str], str] = {
    ("task", "FetchOwnPayload", action): "Airflow 2's tasks are commands, and have no payload"
    for action in ("s3:GetObject", "s3:DeleteObject")
}
"""The same where tasks are commands (the argument ``commands``)."""


@dataclass(frozen=True)
class Account:
    """What is judged by.

    Args:
        policies: by bearer: ``scheduler``, ``reader``, ``triggerer``, ``task``, ``dag-processor``.
        place: what is not in the calls themselves.
        callers: access key -> bearer, where it is not a task's.
        needed: the bearers that must have called AWS.
    """

    policies: Mapping[str, Policy]
    place: Place
    callers: Mapping[str, str] = field(default_factory=lambda: SERVICES)
    needed: tuple[str, ...] = BESIDE

    def bearer_of(self, caller: str) -> str | None:
        """Return whose policy an access key bears; None for callers that are not judged."""
        return self.callers.get(caller, "task" if caller.startswith(TASK_KEY) else None)


def judge(
    calls: Iterable[Mapping[str, Any]],
    account: Account,
    unused: Container[tuple[str, str, str]] = NOT_IN_A_RUN,
) -> list[str]:
    """Return a sentence for each call without permission, and for each permission without a call.

    ``unused``: bearer, statement and action of what such a run need not use.
    """
    wrong: dict[str, None] = {}
    used: set[tuple[str, Grant]] = set()
    judged: set[str] = set()
    for call in calls:
        bearer = account.bearer_of(call["caller"])
        if bearer is None:
            continue
        judged.add(bearer)
        name = f"{call['service']}:{call['operation']}"
        try:
            requests = requests_of(account.place, xform_name(call["operation"]), call["parameters"])
        except KeyError:
            wrong[f"The {bearer} called {name}, which tests/terraform/iam_calls.py does not know."] = None
            continue
        for request in requests:
            sid = account.policies[bearer].allowing(request)
            if sid is None:
                told = f"The {bearer} called {name}: its policy lacks {request.action} on {request.resource}."
                wrong[told] = None
            else:
                used.add((bearer, (sid, request.action)))
    wrong.update(dict.fromkeys(_without_a_call(judged, used, account, unused)))
    return list(wrong)


def _without_a_call(
    judged: set[str],
    used: set[tuple[str, Grant]],
    account: Account,
    unused: Container[tuple[str, str, str]],
) -> Iterable[str]:
    for bearer in account.needed:
        if bearer not in judged:
            yield f"Not one call of the {bearer} was recorded."
            continue
        for sid, action in sorted(account.policies[bearer].grants):
            if (bearer, (sid, action)) not in used and (bearer, sid, action) not in unused:
                yield f"The {bearer} may {action} ({sid}) and never did."


def read_account(outputs: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> Account:
    """Read the policies as they stand in the account that Terraform's ``outputs`` describe.

    ``tasks``: the account's ECS tasks.
    """
    roles = (outputs["task_role_arn"], outputs["execution_role_arn"])
    tags = {task["taskArn"]: {tag["key"]: tag["value"] for tag in task["tags"]} for task in tasks}
    place = Place(outputs["cluster_name"], roles, {"*": outputs["kms_key_arn"]}, tags)
    policies = {"task": _of_role(outputs["task_role_arn"])}
    components = outputs.get("component_role_arns")
    if components is None:
        for bearer in ("scheduler", "reader", "triggerer"):
            policies[bearer] = _managed(outputs[f"{bearer}_policy_arn"])
        return Account(policies, place)
    policies |= {bearer: _of_role(components[component]) for component, bearer in COMPONENTS.items()}
    return Account(policies, place, dict(_callers(tasks)), tuple(policies))


def _callers(tasks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Return access key -> role of the components' containers; the doctor has the scheduler's role."""
    for task in tasks:
        of_service, _, component = str(task.get("group", "")).partition(":")
        if task.get("startedBy") == "make-up-doctor":
            component = "scheduler"
        elif of_service != "service":
            continue
        # As local_cloud/containers/agent.py makes them.
        yield f"{TASK_KEY}{task['taskId'][:16].upper()}", COMPONENTS[component]


def _managed(arn: str) -> Policy:
    import boto3  # noqa: PLC0415  judging alone needs no client

    iam = boto3.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return Policy.parse(json.dumps(document))


def _of_role(arn: str) -> Policy:
    """Return what a role may do: its own policies, and those that are attached to it."""
    import boto3  # noqa: PLC0415  see above

    iam, name, found = boto3.client("iam"), arn.rpartition("/")[2], Policy(())
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        found += Policy.parse(json.dumps(document))
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        found += _managed(attached["PolicyArn"])
    return found


def main(arguments: Sequence[str]) -> int:
    """Judge the run; return 0 even when something is wrong: the findings say it."""
    outputs = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    calls, tasks = (_page(name) for name in ("calls", "tasks"))
    unused = {**NOT_IN_A_RUN, **(NOT_WITH_COMMANDS if "commands" in arguments[2:] else {})}
    findings = judge(calls, read_account(outputs, tasks), unused)
    Path(arguments[1]).write_text(json.dumps(findings, indent=2), encoding="utf-8")
    return 0


def _page(name: str) -> list[dict[str, Any]]:
    page = f"{os.environ['AWS_ENDPOINT_URL']}/_local/{name}"
    with urllib.request.urlopen(page, timeout=60) as reply:  # noqa: S310  loopback
        found: list[dict[str, Any]] = json.load(reply)[name]
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
