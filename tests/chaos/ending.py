"""The catalogue, second part: how tasks end, and what a stop means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_fargate.cli.containers import list_containers
from airflow_fargate.tasks.verdict import Outcome
from chaos import acts
from chaos.scenario import Scenario
from chaos.stage import GOOD, NOT_FOUND
from local_cloud import (
    PULL_TIMEOUT,
    RETIRED,
    Behaviour,
    EventFaults,
    Fault,
    fails_to_start,
    host_failed,
    out_of_memory,
    spot_interrupted,
    spot_taken_before_start,
)
from scenarios.outages import Outage, refused
from unit.aws.aws_sentences import STOP, published

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.stage import Stage

AGAIN = "all succeed in a second container; the task's own tries are untouched"
ONCE = "fail, diagnosed; nothing is launched again"
STORAGE = "Timeout waiting for EphemeralStorage provisioning to complete."
SECRETS = published(STOP, "execution_role")
SECRETS_TIMEOUT = published(STOP, "network_unreachable", "retrieve secret from asm")


def passing(name: str, fault: str, source: str, behaviour: Behaviour) -> Scenario:
    """Four of ten tasks end before they ran, for a cause that can pass."""
    return Scenario(name, fault, source, AGAIN, containers=14, first=(behaviour,) * 4)


def _reap(stage: Stage) -> None:
    """What `airflow fargate reap --yes` does: stops the deployment's containers that no task owns."""
    ecs = stage.world.plane.client("ecs")
    pages = SimpleNamespace(paginate=lambda **asked: [ecs.list_tasks(**asked)])
    reader = SimpleNamespace(get_paginator=lambda _: pages, describe_tasks=ecs.describe_tasks)
    session: Any = SimpleNamespace(clients=lambda _: reader, config=stage.world.config)
    owned = {stage.world.a_launch(key).launch_id for key in stage.schedulers[0].running}
    orphans = [own for own in list_containers(session, "RUNNING") if own.tag("launch-id") not in owned]
    if len(orphans) != len(stage.schedulers[0].revoked):
        raise RuntimeError(f"{len(orphans)} orphans are listed")
    for own in orphans:
        ecs.stop_task(cluster="airflow", task=own.ecs_task.arn, reason="airflow fargate reap: no owner")


def _failing(name: str, fault: str, source: str, behaviour: Behaviour, says: str) -> Scenario:
    """Four of ten tasks end for good."""
    return Scenario(name, fault, source, ONCE, fail=4, says=says, first=(behaviour,) * 4)


def _resume_later(count: int) -> Callable[[Stage], str]:
    """Return a check that so many tasks freed their slots without a success or a failure."""

    def check(stage: Stage) -> str:
        verdicts = [verdict for each in stage.everybody() for verdict in each.verdicts.values()]
        found = sum(verdict.outcome is Outcome.RESUMES_LATER for verdict in verdicts)
        return "" if found == count else f"{found} resume later instead of {count}"

    return check


ENDING = (
    passing(
        "no network interface",
        "timeout of the interface's provisioning",
        "never ran; #15000",
        fails_to_start(),
    ),
    passing(
        "no ephemeral storage", "timeout of the storage's provisioning", "never ran", fails_to_start(STORAGE)
    ),
    passing(
        "pull timeout",
        "CannotPullContainerError with an i/o timeout",
        "never ran",
        fails_to_start(PULL_TIMEOUT, fails_in="PENDING"),
    ),
    passing(
        "internal error", "TaskFailedToStart InternalError", "never ran", fails_to_start("InternalError")
    ),
    passing(
        "secrets time out",
        "ResourceInitializationError: no connection to Secrets Manager",
        "mixes both kinds",
        fails_to_start(SECRETS_TIMEOUT, fails_in="PENDING"),
    ),
    passing(
        "Spot taken before",
        "SpotInterruption before the container ran",
        "Spot; #69052",
        spot_taken_before_start(),
    ),
    _failing(
        "Spot taken while running",
        "SpotInterruption: SIGTERM after ten seconds",
        "may have run; #73395",
        spot_interrupted(),
        "Spot",
    ),
    _failing(
        "stopped by a service",
        "ServiceSchedulerInitiated: SIGTERM",
        "stopCode values",
        Behaviour(
            run=10.0, stop_code="ServiceSchedulerInitiated", stopped_reason="Scaling activity initiated."
        ),
        "ServiceSchedulerInitiated",
    ),
    _failing("host failed", "InfrastructureHealth: no exit code", "may have run", host_failed(), "ECS"),
    _failing(
        "host retired",
        "TerminationNotice while running",
        "may have run",
        Behaviour(run=10.0, stop_code=RETIRED[0], stopped_reason=RETIRED[1]),
        "retired",
    ),
    _failing("out of memory", "OutOfMemoryError, exit 137", "do not launch again", out_of_memory(), "memory"),
    _failing(
        "image not there",
        "CannotPullContainerError: not found",
        "do not launch again",
        fails_to_start(NOT_FOUND, fails_in="PENDING"),
        "Push the image",
    ),
    _failing(
        "cannot be started",
        "CannotStartContainerError: another architecture's image",
        "TaskFailedToStart",
        fails_to_start(published(STOP, "platform_mismatch", "exec format"), fails_in="PENDING"),
        "another CPU architecture",
    ),
    _failing(
        "secrets denied",
        "ResourceInitializationError: AccessDenied",
        "mixes both kinds",
        fails_to_start(SECRETS, fails_in="PENDING"),
        "execution role",
    ),
    _failing(
        "the task fails",
        "the worker exits with 80",
        "provider: launched again behind Airflow's back",
        Behaviour(exit_code=80),
        "exit code 80",
    ),
    _failing(
        "the worker itself fails",
        "the container exits with 1, as Python does for an ImportError",
        "a broken image",
        Behaviour(exit_code=1),
        "The worker itself failed",
    ),
    Scenario(
        "cleared or marked while running",
        "the worker exits with 82, since Airflow ended its task",
        "process_executor_events expects SUCCESS in RESTARTING",
        first=(Behaviour(exit_code=82),) * 4,
    ),
    Scenario(
        "rescheduled or deferred",
        "the worker exits with 81: the task resumes later under the same key",
        "#71172",
        "their slots are freed, and no end is reported for them",
        succeed=6,
        first=(Behaviour(exit_code=81),) * 4,
        check=_resume_later(4),
    ),
    _failing(
        "an exit code of ours",
        "the worker leaves with 66",
        "#39717: Info: None",
        Behaviour(exit_code=66),
        "exit code 66",
    ),
    _failing(
        "the sidecar is fine",
        "the worker fails, its sidecar leaves with 0",
        "provider: a sidecar decides",
        Behaviour(exit_code=3, sidecar_exit_codes={"sidecar": 0}),
        "exit code 3",
    ),
    Scenario(
        "the sidecar fails",
        "the worker leaves with 0, its sidecar with 1",
        "provider: a sidecar decides",
        first=(Behaviour(run=5.0, sidecar_exit_codes={"sidecar": 1}),) * 4,
    ),
    Scenario(
        "the sidecar has no exit code",
        "the worker leaves with 0, its sidecar with nothing",
        "provider: running for ever",
        first=(Behaviour(run=5.0, sidecar_exit_codes={"sidecar": None}),) * 4,
    ),
    Scenario(
        "slow start",
        "three minutes of pulling, an event for the start only then",
        "cold start; #73010, #45643",
        behaviour=Behaviour(pending=180.0, run=(5.0, 60.0)),
    ),
    Scenario(
        "stopped by hand",
        "StopTask in the console",
        "UserInitiated",
        "fail, and say who stopped it",
        fail=10,
        says="stopped from outside",
        behaviour=Behaviour(run=900.0),
        acts=((30.0, acts.stop_all_by_hand),),
    ),
    Scenario(
        "stopped while starting",
        "StopTask before the container ran",
        "UserInitiated",
        "fail, and say who stopped it",
        fail=10,
        says="stopped from outside",
        behaviour=Behaviour(provisioning=60.0),
        acts=((30.0, acts.stop_all_by_hand),),
    ),
    Scenario(
        "never starts",
        "no interface, whatever is launched",
        "TaskFailedToStart; #69058",
        "fail after launch_timeout, and say why",
        fail=3,
        refuse=3,
        tasks=3,
        relaunches=True,
        says="network interface",
        behaviour=fails_to_start(),
        config={"launch_timeout": 60.0},
        check=lambda stage: "" if len(stage.world.plane.tasks()) < 60 else "it was launched without a pause",
    ),
    Scenario(
        "gone before it was seen",
        "the task ended and nobody heard, for three hours",
        "MISSING; stopped visible 1 h",
        "fail, said to be unknown; never launched again",
        fail=10,
        unknown=10,
        says="exit code is unknown",
        containers=10,
        events=EventFaults(lost=1.0),
        seconds=12_000.0,
        acts=((30.0, acts.kill_for(3 * 3600.0)),),
    ),
    Scenario(
        "logs unavailable",
        "CloudWatch refuses while failures are explained",
        "#66475",
        "fail within seconds, without log lines",
        fail=4,
        says="exit code 66",
        first=(Behaviour(exit_code=66),) * 4,
        outages=(Outage(refused("ThrottlingException"), "logs"),),
    ),
    Scenario(
        "log group deleted",
        "CloudWatch knows no such group while failures are explained",
        "#55756",
        "fail within seconds, without log lines",
        fail=4,
        says="exit code 66",
        first=(Behaviour(exit_code=66),) * 4,
        outages=(Outage(refused("ResourceNotFoundException"), "logs"),),
    ),
    Scenario(
        "quick as lightning",
        "containers end within a tenth of a second, before RunTask's answer is read",
        "order not guaranteed",
        behaviour=Behaviour(0.0, 0.0, 0.0, 0.05, 0.0, 0.0, 0.05),
        faults=(Fault("lost", ("RunTask",), times=5),),
    ),
    Scenario(
        "StopTask refused",
        "Airflow clears tasks while StopTask is throttled",
        "StopTask limits; #56240",
        "their containers are stopped all the same",
        revoked=4,
        behaviour=Behaviour(run=(100.0, 200.0)),
        faults=(Fault("throttle", ("StopTask",), until=90),),
        acts=((20.0, acts.revoke),) * 4,
    ),
    Scenario(
        "killed before StopTask",
        "Airflow clears tasks while StopTask is throttled, and the scheduler is killed",
        "prefect #16939, #45925",
        "`reap` finds exactly their containers and stops them",
        revoked=3,
        behaviour=Behaviour(run=10_000.0),
        faults=(Fault("throttle", ("StopTask",), until=90),),
        acts=(
            (60.0, acts.revoke),
            (60.0, acts.revoke),
            (60.0, acts.revoke),
            (80.0, acts.kill),
            (120.0, _reap),
        ),
        seconds=10_500.0,
    ),
    Scenario(
        "deaf to SIGTERM",
        "a cleared container takes 200 s to leave: SIGKILL",
        "stopTimeout",
        "their containers are stopped all the same",
        revoked=2,
        behaviour=Behaviour(run=300.0, stopping=200.0),
        acts=((20.0, acts.revoke),) * 2,
        seconds=500.0,
    ),
    Scenario(
        "an unhealthy mixture",
        "every bad end at once, half of the events lost",
        "all of the above",
        "each ends as its container did",
        tasks=20,
        fail=6,
        containers=24,
        behaviour=GOOD,
        first=(
            Behaviour(exit_code=80),
            out_of_memory(),
            fails_to_start(),
            spot_taken_before_start(),
            fails_to_start(NOT_FOUND, fails_in="PENDING"),
            spot_interrupted(),
            fails_to_start(STORAGE),
            fails_to_start("InternalError"),
            host_failed(),
            Behaviour(exit_code=66),
        ),
        events=EventFaults(lost=0.5),
    ),
)
