"""The catalogue, second part: missing capacity, and payloads that cannot be stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_fargate.settings.task_options import TaskOptions
from chaos import acts
from chaos.launching import LONG, RUN, failures_of
from chaos.scenario import Scenario
from local_cloud import Fault
from scenarios.outages import Outage, answered, changed, done_and_raised, raised, refusal, refused
from scenarios.world import Died
from unit.aws.aws_sentences import ERROR, published

if TYPE_CHECKING:
    from chaos.stage import Stage

ALL = ()


def _tokens_are_fresh(stage: Stage) -> str:
    """No container was given a token that had been made more than a minute before its launch."""
    made = {
        document["launch_id"]: document["made_at"]
        for document in map(json.loads, stage.world.s3.objects.values())
    }
    ages = [
        task.created_at - made[str(task.started_by).rpartition("/")[2]] for task in stage.world.plane.tasks()
    ]
    return f"a token was {max(ages):.0f} s old at launch" if max(ages, default=0) > 61 else ""


def _big(stage: Stage) -> None:
    """A task whose override would break 8,192 characters."""
    stage.launch(1, options=TaskOptions(env={"TEXT": "x" * 9000}))


CAPACITY_AND_PAYLOADS = (
    Scenario(
        "capacity gap",
        "no capacity for eight minutes",
        "Capacity is unavailable; #48001, dagster #14383",
        faults=(Fault("capacity", until=480),),
        seconds=700,
        check=_tokens_are_fresh,
    ),
    Scenario(
        "capacity forever",
        "no capacity for longer than launch_timeout",
        "#48001",
        expected="fail after launch_timeout, and say why",
        fail=10,
        refuse=10,
        containers=0,
        says="Capacity is unavailable",
        faults=(Fault("capacity"),),
        config={"launch_timeout": 120.0},
    ),
    Scenario(
        "Spot to On-Demand",
        "Spot has no capacity, On-Demand has",
        "Spot; #15000",
        faults=(Fault("capacity", provider="FARGATE_SPOT"),),
        config={"capacity_chain": ("FARGATE_SPOT", "FARGATE")},
    ),
    Scenario(
        "no room (EC2)",
        "failures[] says RESOURCE:ENI for a minute",
        "RESOURCE:*",
        outages=(Outage(answered(failures_of("RESOURCE:ENI")), "ecs", ("run_task",), until=60),),
    ),
    Scenario(
        "an empty answer",
        "RunTask answers neither tasks nor failures",
        "provider: loses the workload",
        outages=(Outage(answered({}), "ecs", ("run_task",), until=30),),
    ),
    Scenario(
        "account limit",
        "the quota of concurrent tasks is reached",
        "Fargate quotas",
        outages=(
            Outage(
                refused("LimitExceededException", published(ERROR, "quota_reached", "tasks")),
                "ecs",
                ("run_task",),
                until=120,
            ),
        ),
    ),
    Scenario(
        "conflict",
        "the new scheduler's request differs under the same clientToken",
        "ConflictException; #35491",
        behaviour=LONG,
        lag=60.0,
        acts=((2.0, acts.change_configuration(subnets=("subnet-3",))),),
    ),
    Scenario(
        "token expires while queued",
        "nine minutes without capacity: a JWT lives ten",
        "#53713, #48536",
        expected="all succeed, each with a token under a minute old",
        faults=(Fault("capacity", until=500),),
        seconds=700,
        check=_tokens_are_fresh,
    ),
    Scenario(
        "over 8,192 characters",
        "a task's own environment breaks RunTask's limit",
        "RunTask overrides; #67217",
        expected="it fails at once and says 8,192; the others succeed",
        fail=1,
        refuse=1,
        containers=10,
        says="at most 8192 characters",
        acts=((1.0, _big),),
    ),
    Scenario(
        "bucket deleted",
        "NoSuchBucket from the 20th to the 60th second",
        "payloads in S3",
        expected="what is launched then fails and says payload_bucket; the others succeed",
        fail=5,
        refuse=5,
        containers=15,
        says="payload_bucket",
        acts=((21.0, acts.launch(5)), (70.0, acts.launch(5))),
        outages=(Outage(refused("NoSuchBucket", status=404), "s3", ("put_object",), after=20, until=60),),
    ),
    Scenario(
        "key disabled",
        "S3 answers KMS.DisabledException from the 20th to the 60th second",
        "payloads in S3",
        expected="what is launched then fails and says payload_bucket; the others succeed",
        fail=5,
        refuse=5,
        containers=15,
        says="payload_bucket",
        acts=((21.0, acts.launch(5)), (70.0, acts.launch(5))),
        outages=(Outage(refused("KMS.DisabledException"), "s3", ("put_object",), after=20, until=60),),
    ),
    Scenario(
        "bucket unavailable",
        "S3 answers 503 SlowDown for a minute",
        "payloads in S3",
        outages=(Outage(refused("SlowDown", status=503), "s3", ("put_object",), until=60),),
    ),
    Scenario(
        "task definition deleted",
        "deregistered from the 20th to the 60th second",
        "what a refusal means; prefect #16485",
        expected="what is launched then fails and says task_definition; the others succeed",
        fail=5,
        refuse=5,
        containers=15,
        says="task_definition",
        acts=(
            (20.0, acts.delete_task_definition),
            (21.0, acts.launch(5)),
            (60.0, acts.create_task_definition),
            (61.0, acts.launch(5)),
        ),
    ),
    Scenario(
        "subnet deleted",
        "InvalidParameterException from the 20th to the 60th second",
        "what a refusal means",
        expected="what is launched then fails and says subnets; the others succeed",
        fail=5,
        refuse=5,
        containers=15,
        says="[fargate] subnets",
        acts=((21.0, acts.launch(5)), (70.0, acts.launch(5))),
        outages=(
            Outage(
                refused("InvalidParameterException", published(ERROR, "subnet")),
                "ecs",
                ("run_task",),
                after=20,
                until=60,
            ),
        ),
    ),
    Scenario(
        "no such capacity provider",
        "the cluster does not have what capacity_chain asks for",
        "incompatible compute strategy; #35489, #41824",
        expected="fail at once, and say capacity_chain",
        fail=10,
        refuse=10,
        containers=0,
        says="capacity_chain",
        outages=(
            Outage(
                refused("InvalidParameterException", published(ERROR, "capacity_provider")),
                "ecs",
                ("run_task",),
            ),
        ),
        config={"capacity_chain": ("FARGATE_SPOT",)},
    ),
    Scenario(
        "cluster deleted",
        "ClusterNotFoundException from the 20th to the 60th second",
        "ResourceNotFound",
        expected="what is launched then fails and says cluster; what runs succeeds",
        fail=5,
        refuse=5,
        containers=15,
        says="Create the cluster",
        behaviour=LONG,
        acts=(
            (20.0, acts.delete_cluster),
            (21.0, acts.launch(5)),
            (60.0, acts.create_cluster),
            (61.0, acts.launch(5)),
        ),
    ),
    Scenario(
        "a launcher's thread dies",
        "SystemExit out of the client, three times",
        "#71380: one poison entry",
        tasks=12,
        outages=(Outage(done_and_raised(Died), "ecs", ("run_task",), times=3),),
    ),
    Scenario(
        "a launcher's thread dies in S3",
        "SystemExit while the payload is written",
        "#71380: one poison entry",
        tasks=12,
        outages=(Outage(raised(Died), "s3", ("put_object",), times=3),),
    ),
    Scenario(
        "stuck in queued",
        "Airflow revokes what waits for capacity",
        "#44158, #43520",
        expected="nothing of it is ever launched, the others succeed",
        revoked=3,
        containers=7,
        faults=(Fault("capacity", until=60),),
        acts=((20.0, acts.revoke),) * 3,
    ),
    Scenario(
        "revoked after a lost answer",
        "the answer was lost, Airflow revokes",
        "#44158, clientToken",
        expected="its container is found and stopped",
        revoked=3,
        behaviour=LONG,
        faults=(Fault("lost", RUN, until=5),),
        acts=((2.0, acts.revoke),) * 3,
    ),
    Scenario(
        "partly refused",
        "failures[] beside a task",
        "RunTask failures[]",
        outages=(
            Outage(
                changed(lambda answer: {**answer, "failures": failures_of("AGENT")["failures"]}),
                "ecs",
                ("run_task",),
            ),
        ),
    ),
    Scenario(
        "an answer cut short",
        "RunTask's answer has a task without its ARN",
        "RunTask",
        expected="all succeed",
        outages=(
            Outage(
                changed(lambda answer: {"tasks": [{"lastStatus": "PROVISIONING"}], "failures": []}),
                "ecs",
                ("run_task",),
                times=3,
            ),
        ),
    ),
    Scenario(
        "all at once",
        "5 % server errors, lost answers, throttling, refusals, in every call",
        "benchmarks: faults",
        tasks=100,
        limits=True,
        seconds=600,
        containers=None,
        faults=(
            Fault("server_error", ALL, 0.025),
            Fault("server_error_after", ALL, 0.025),
            Fault("lost", ALL, 0.02),
            Fault("throttle", ALL, 0.02),
            Fault("hidden_throttle", RUN, 0.01),
            Fault("capacity", probability=0.03),
        ),
        outages=(Outage(raised(lambda: refusal("InternalError", status=500)), "s3", probability=0.05),),
    ),
)
