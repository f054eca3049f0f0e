"""The catalogue: what AWS says when a task cannot start, as published (tests/unit/aws/aws_sentences.tsv)."""

from __future__ import annotations

from chaos.ending import passing
from chaos.launching import RUN
from chaos.scenario import Scenario
from local_cloud import Fault, fails_to_start
from scenarios.outages import Outage, refused
from unit.aws.aws_sentences import ERROR, SENTENCES, STOP, Published, published

NO_ROUTE = fails_to_start(published(STOP, "network_unreachable"), fails_in="PENDING")


def _rejected(name: str, fault: str, cause: str, words: str = "", until: float = 60.0) -> Scenario:
    """RunTask returns this error for a while, with AWS's text from the file."""
    told = _first(cause, words)
    outage = Outage(refused(told.code, told.sentence), "ecs", ("run_task",), until=until)
    return Scenario(name, fault, told.source, outages=(outage,))


def _first(cause: str, words: str) -> Published:
    return next(
        each for each in SENTENCES if each.where == ERROR and each.cause == cause and words in each.sentence
    )


def _stopped(name: str, fault: str, cause: str, words: str = "") -> Scenario:
    """Four of ten tasks stop before they run, with this text, and are launched again."""
    reason = published(STOP, cause, words)
    source = next(each.source for each in SENTENCES if each.sentence == reason)
    return passing(name, fault, source, fails_to_start(reason, fails_in="PENDING"))


STARTING = (
    Scenario(
        "vCPU quota",
        "the quota of vCPUs is used up for two minutes",
        "service-event-messages-list",
        faults=(Fault("quota", until=120),),
    ),
    Scenario(
        "vCPU quota of On-Demand",
        "the quota of On-Demand is used up, that of Spot is not",
        "service-event-messages-list",
        faults=(Fault("quota", provider="FARGATE"),),
        config={"capacity_chain": ("FARGATE", "FARGATE_SPOT")},
    ),
    Scenario(
        "vCPU quota forever",
        "the quota of vCPUs stays used up",
        "service-event-messages-list",
        expected="fail after launch_timeout, and say where to request more",
        fail=10,
        refuse=10,
        containers=0,
        says="Service Quotas",
        faults=(Fault("quota"),),
        config={"launch_timeout": 120.0},
    ),
    Scenario(
        "EC2 unavailable",
        "InvalidParameterException (ErrorCode: Unavailable) for a minute",
        "EC2 API reference",
        faults=(Fault("dependency", RUN, until=60),),
    ),
    _rejected(
        "a dependency's error", "InvalidParameterException (ErrorCode: InternalError)", "dependency_failed"
    ),
    _rejected("no container instances", "none is registered for a minute", "container_instances"),
    _rejected(
        "provisioning limit",
        "the cluster provisions too many tasks for a minute",
        "container_instances",
        "provisioning",
    ),
    _rejected("role not ready", "ECS cannot assume a new role for a minute", "role_not_ready"),
    _stopped("ENI not configured", "failed to configure ENI", "network_interface", "failed to configure ENI"),
    Scenario(
        "no route to the registry",
        "the subnets have no route to ECR",
        "resource-initialization-error",
        expected="fail after launch_timeout, and say NAT gateway or endpoints",
        fail=10,
        refuse=10,
        relaunches=True,
        says="NAT gateway, or VPC endpoints for ecr.api, ecr.dkr",
        behaviour=NO_ROUTE,
        config={"launch_timeout": 120.0},
    ),
    _stopped("registry 500", "the registry answers 500", "service_failed", "500 Internal"),
    _stopped("registry 503", "the registry answers 503", "service_failed", "503 Service"),
    _stopped("registry 504", "the registry answers 504", "service_failed", "504 Gateway"),
    _stopped("pull rate limit", "the registry answers 429", "registry_rate_limit", "429"),
    _stopped("pull cut off", "unexpected EOF while pulling", "connection_cut", "unexpected EOF"),
    _stopped("client timeout", "Client.Timeout while pulling", "network_unreachable", "Client.Timeout"),
    _stopped("pull deadline", "context deadline exceeded", "network_unreachable", "deadline exceeded"),
    _stopped("container engine timeout", "DockerTimeoutError", "container_engine"),
)
