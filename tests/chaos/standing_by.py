"""The catalogue, standbys: every row of the crash table in docs/standby.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ReadTimeoutError

from chaos import acts, standby_acts
from chaos.scenario import Scenario
from local_cloud import Behaviour, fails_to_start
from scenarios.outages import Outage, done_and_raised, raised, refused

if TYPE_CHECKING:
    from chaos.standby_acts import Act

LOST = ReadTimeoutError(endpoint_url="https://s3.us-east-1.amazonaws.com/")
FORBIDDEN = refused("AccessDenied", "Access Denied", 403)


def _one(
    name: str, fault: str, *happens: tuple[float, Act], expected: str = "all succeed", **more: object
) -> Scenario:
    given = {
        "tasks": 0,
        "standbys": 2,
        "acts": happens or ((0.0, acts.launch(1)),),
        "source": "docs/standby.md",
    }
    return Scenario(name, fault, expected=expected, **{**given, **more})  # type: ignore[arg-type]


STANDING_BY = (
    _one(
        "standby: before fate",
        "the scheduler dies before it writes the fate",
        (0.0, standby_acts.die_at_write(1, done=False)),
        hits=0,
    ),
    _one(
        "standby: after fate",
        "it dies after the fate",
        (0.0, standby_acts.die_at_write(1, done=True)),
        hits=0,
    ),
    _one(
        "standby: before offer",
        "it dies before the offer",
        (0.0, standby_acts.die_at_write(2, done=False)),
        hits=0,
    ),
    _one(
        "standby: after offer",
        "it dies after the offer, and the container takes it or is recalled",
        (0.0, standby_acts.die_at_write(2, done=True)),
    ),
    _one(
        "standby: paused before fate",
        "a paused scheduler writes the fate after the new scheduler",
        (0.0, standby_acts.pause_at_write(1)),
        hits=0,
    ),
    _one(
        "standby: paused before offer",
        "a paused scheduler makes its offer after the new scheduler",
        (0.0, standby_acts.pause_at_write(2)),
        hits=0,
    ),
    _one(
        "standby: killed while it runs",
        "the scheduler dies before anybody knows the standby's ARN",
        (0.0, acts.launch(2)),
        (0.5, acts.kill),
        hits=2,
    ),
    _one(
        "standby: dies before its claim",
        "the container dies as it is offered a task",
        (0.0, standby_acts.next_container(die_at_claim=True)),
        hits=0,
    ),
    _one(
        "standby: dies after its claim",
        "the container dies with its task",
        (0.0, standby_acts.next_container(die_after_claim=True)),
        expected="fail as in any container",
        fail=1,
        hits=1,
    ),
    _one(
        "standby: SIGTERM before its claim",
        "SIGTERM comes with the offer",
        (0.0, standby_acts.next_container(stop_at_claim=True)),
        hits=0,
    ),
    _one(
        "standby: hangs",
        "the container hangs, and wakes after its task was recalled",
        (0.0, standby_acts.hang_and_wake),
        hits=0,
    ),
    _one(
        "standby: revoked before the offer",
        "Airflow revokes the task at once",
        (0.0, standby_acts.revoke_before_offer),
        expected="revoked",
        revoked=1,
        containers=0,
        hits=0,
    ),
    _one(
        "standby: revoked before the claim",
        "Airflow revokes a task under offer",
        (0.0, standby_acts.revoke_before_claim),
        expected="revoked",
        revoked=1,
        containers=0,
        hits=0,
    ),
    _one(
        "standby: revoked after the claim",
        "Airflow revokes a task on a standby",
        (0.0, standby_acts.revoke_after_claim),
        expected="revoked, and its container is stopped",
        revoked=1,
        hits=1,
    ),
    _one(
        "standby: queued again under offer",
        "a revoked task under offer is queued again with its key",
        (0.0, standby_acts.requeue_under_offer),
        hits=0,
    ),
    _one(
        "standby: new image",
        "the task definition has a new revision",
        (0.0, standby_acts.new_revision),
        (100.0, acts.launch(1)),
        hits=1,
        check=standby_acts.old_ones_are_gone,
    ),
    _one(
        "standby: new settings",
        "the scheduler restarts with other subnets",
        (0.0, standby_acts.new_settings),
        (100.0, acts.launch(1)),
        hits=1,
        check=standby_acts.old_ones_are_gone,
    ),
    _one(
        "standby: all stopped",
        "every idle standby is stopped from outside",
        (0.0, standby_acts.stop_idle_by_hand),
        (1.0, acts.launch(2)),
        hits=0,
    ),
    _one(
        "standby: none starts",
        "every standby dies before it is ready",
        (200.0, acts.launch(2)),
        behaviour=Behaviour(run=(5.0, 60.0)),
        first=(fails_to_start(),) * 12,
        tasks=0,
        standbys=4,
        relaunches=True,
        check=standby_acts.paused,
        seconds=300.0,
    ),
    _one(
        "standby: S3 rejects conditions",
        "PutObject is forbidden where standbys need it",
        (0.0, acts.launch(2)),
        outages=(Outage(FORBIDDEN, "s3", ("get_object",), after=60, until=90),),
    ),
    _one(
        "standby: S3 is away",
        "every call of S3 times out for a minute, answers lost or not",
        (0.0, acts.launch(2)),
        outages=(Outage(done_and_raised(lambda: LOST), "s3", after=59, until=120, probability=0.6),),
    ),
    _one(
        "standby: S3 fails before writes",
        "no call reaches S3 for a minute",
        (0.0, acts.launch(2)),
        outages=(Outage(raised(lambda: LOST), "s3", after=59, until=120, probability=0.6),),
    ),
    _one(
        "standby: lost answers",
        "a third of S3's answers are lost",
        (0.0, acts.launch(2)),
        outages=(Outage(done_and_raised(lambda: LOST), "s3", probability=0.3),),
        hits=2,
    ),
    _one(
        "standby: no tags",
        "TagResource is forbidden",
        (0.0, acts.launch(2)),
        outages=(Outage(refused("AccessDeniedException", "no"), "ecs", ("tag_resource",)),),
        hits=2,
    ),
    _one(
        "standby: no listing",
        "ListTasks fails for a minute",
        (30.0, acts.launch(3)),
        outages=(
            Outage(refused("ServerException", status=500), "ecs", ("list_tasks",), after=60, until=120),
        ),
    ),
    _one(
        "standby: burst", "a hundred tasks meet two standbys", (0.0, standby_acts.burst), hits=2, limits=True
    ),
    _one(
        "standby: two schedulers",
        "two schedulers share the standbys, and one dies",
        (0.0, acts.launch(4)),
        (0.5, acts.kill_one_of_two),
        schedulers=2,
        standbys=4,
        hits=4,
    ),
    _one(
        "standby: task fails",
        "the task on a standby fails by itself",
        (0.0, lambda stage: standby_acts.exit_with(stage, 80)),
        expected="fail",
        fail=1,
        hits=1,
    ),
)
