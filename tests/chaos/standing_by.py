"""The catalogue, standbys: every row of the crash table in docs/standby.md."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from chaos import acts
from chaos.scenario import Scenario
from local_cloud import Behaviour, fails_to_start
from scenarios.outages import Outage, done_and_raised, raised, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.fleet.fleet import Fleet
    from airflow_fargate.standby.standbys import Standbys
    from chaos.stage import Stage

    Act = Callable[[Stage], None]

LOST = ReadTimeoutError(endpoint_url="https://s3.us-east-1.amazonaws.com/")
FORBIDDEN = refused("AccessDenied", "Access Denied", 403)


class _KilledError(BaseException):
    """The scheduler's process ends in the middle of a call."""


def _dies(stage: Stage, service: str, operation: str, number: int, *, done: bool) -> None:
    """Have the first scheduler die at its so many-th call of an operation, before or after it is done."""
    world, calls = stage.world, [0]
    inner = getattr(getattr(world, service), operation)

    def call(**parameters: object) -> object:
        calls[0] += 1
        if calls[0] != number:
            return inner(**parameters)
        setattr(getattr(world, service), operation, inner)
        if done:
            inner(**parameters)
        raise _KilledError

    setattr(getattr(world, service), operation, call)


def die_at_write(number: int, *, done: bool) -> Act:
    """Launch one task, whose scheduler dies at its first (the fate) or second write (the offer)."""

    def act(stage: Stage) -> None:
        _dies(stage, "s3", "put_object", number, done=done)
        stage.launch(1)
        try:
            _standbys(stage.schedulers[0].fleet).offers.run_one()
        except _KilledError:
            stage.acts += 1
        stage.schedulers[0].restart()

    return act


def pause_at_write(number: int) -> Act:
    """The same, but the scheduler only pauses there: it makes its write after its successor has adopted."""

    def act(stage: Stage) -> None:
        world: Any = stage.world  # whose fake S3 gets another put_object
        first = stage.schedulers[0]
        inner, calls = world.s3.put_object, [0]

        def call(**parameters: object) -> object:
            calls[0] += 1
            if calls[0] == number:
                world.s3.put_object = inner
                paused = first.fleet
                first.restart()
                _settle_all(stage, first.fleet)
                stage.acts += 1
                assert paused is not first.fleet
            return inner(**parameters)

        world.s3.put_object = call
        stage.launch(1)
        paused = first.fleet
        _standbys(paused).offers.run_one()
        # What it goes on to do until it sees that it was replaced.
        world.clock.advance(1)
        _standbys(paused).offers.run_one()

    return act


def _standbys(fleet: Fleet) -> Standbys:
    """Return the fleet's standbys, which every stage here has."""
    assert fleet.standbys is not None
    return fleet.standbys


def _settle_all(stage: Stage, fleet: Fleet) -> None:
    stage.world.step(fleet)
    stage.world.step(fleet)


def next_container(**flags: bool) -> Act:
    """Say what happens to the next standby that is offered something, and launch a task."""

    def act(stage: Stage) -> None:
        for name, value in flags.items():
            setattr(stage.world.containers_inside, name, value)
        stage.launch(1)

    return act


def flag(name: str) -> Act:
    """Say what happens to the next standby that is offered something."""
    return lambda stage: setattr(stage.world.containers_inside, name, True)


def wake(stage: Stage) -> None:
    """Let the containers that hang go on."""
    stage.world.containers_inside.hung.clear()


def hang_and_wake(stage: Stage) -> None:
    """The container hangs as it is offered a task, and wakes after it was recalled."""
    next_container(hang_at_claim=True)(stage)
    stage.run(stage.world.clock.now() + 6)
    stage.world.containers_inside.hung.clear()


def revoke_before_claim(stage: Stage) -> None:
    """Airflow lets go of a task that a standby was offered and has not taken."""
    next_container(hang_at_claim=True)(stage)
    stage.world.step(stage.schedulers[0].fleet)
    stage.world.step(stage.schedulers[0].fleet)
    stage.schedulers[0].revoke()


def revoke_after_claim(stage: Stage) -> None:
    """Airflow lets go of a task that runs on a standby."""
    stage.launch(1)
    stage.run(stage.world.clock.now() + 4)
    stage.schedulers[0].revoke()


def revoke_before_offer(stage: Stage) -> None:
    """Airflow lets go of a task at once."""
    stage.launch(1)
    stage.schedulers[0].revoke()


def new_revision(stage: Stage) -> None:
    """Somebody deploys a new image: the family has a new revision."""
    stage.world.create_task_definition()
    stage.run(stage.world.clock.now() + 90)


def new_settings(stage: Stage) -> None:
    """The scheduler restarts with other subnets: nothing that waits can run its tasks."""
    acts.change_configuration(subnets=("subnet-3",))(stage)
    stage.run(stage.world.clock.now() + 90)


def old_ones_are_gone(stage: Stage) -> str:
    """Look for standbys of the old configuration."""
    print_ = _standbys(stage.schedulers[0].fleet).keeper._queues["default"]
    left = [
        task
        for task in stage.world.containers_inside.idle()
        if task.definition_arn != print_.definition
        or dict(task.tags)["airflow-fargate:standby-fingerprint"] != print_.fingerprint
    ]
    return f"{len(left)} old standbys wait" if left else ""


def stop_idle_by_hand(stage: Stage) -> None:
    """Spot, or a person, takes every idle standby."""
    ecs = stage.world.plane.client("ecs")
    for task in stage.world.containers_inside.idle():
        with suppress(ClientError):  # A fault of the scenario's.
            ecs.stop_task(cluster="airflow", task=task.arn, reason="by hand")


def paused(stage: Stage) -> str:
    """Check that a pool whose standbys die is left alone, and says so."""
    fleet = stage.schedulers[0].fleet
    if not any(part.startswith("standbys of") for part in fleet.health.complaints()):
        return f"no complaint: {fleet.health.complaints()}"
    started = len(
        [task for task in stage.world.plane.tasks() if (task.started_by or "").endswith("/standby")]
    )
    return f"{started} were started" if started > 12 else ""


def burst(stage: Stage) -> None:
    """A hundred at once, far more than standbys."""
    stage.launch(100)


def requeue_under_offer(stage: Stage) -> None:
    """A task is revoked under offer and queued again, under the same key: the second waits for the recall."""
    revoke_before_claim(stage)
    first = stage.schedulers[0]
    key = f"task-{stage.world.numbers}"
    first.revoked.discard(key)
    launch = stage.world.a_launch(key)
    first.running.add(key)
    first.fleet.launch(launch)


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
        (0.0, die_at_write(1, done=False)),
        hits=0,
    ),
    _one("standby: after fate", "it dies after the fate", (0.0, die_at_write(1, done=True)), hits=0),
    _one("standby: before offer", "it dies before the offer", (0.0, die_at_write(2, done=False)), hits=0),
    _one(
        "standby: after offer",
        "it dies after the offer, and the container takes it or is recalled",
        (0.0, die_at_write(2, done=True)),
    ),
    _one(
        "standby: paused before fate",
        "a paused scheduler writes the fate after its successor",
        (0.0, pause_at_write(1)),
        hits=0,
    ),
    _one(
        "standby: paused before offer",
        "a paused scheduler makes its offer after its successor",
        (0.0, pause_at_write(2)),
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
        (0.0, next_container(die_at_claim=True)),
        hits=0,
    ),
    _one(
        "standby: dies after its claim",
        "the container dies with its task",
        (0.0, next_container(die_after_claim=True)),
        expected="fail as in any container",
        fail=1,
        hits=1,
    ),
    _one(
        "standby: SIGTERM before its claim",
        "SIGTERM comes with the offer",
        (0.0, next_container(stop_at_claim=True)),
        hits=0,
    ),
    _one(
        "standby: hangs",
        "the container hangs, and wakes after its task was recalled",
        (0.0, hang_and_wake),
        hits=0,
    ),
    _one(
        "standby: revoked before the offer",
        "Airflow revokes the task at once",
        (0.0, revoke_before_offer),
        expected="revoked",
        revoked=1,
        containers=0,
        hits=0,
    ),
    _one(
        "standby: revoked before the claim",
        "Airflow revokes a task under offer",
        (0.0, revoke_before_claim),
        expected="revoked",
        revoked=1,
        containers=0,
        hits=0,
    ),
    _one(
        "standby: revoked after the claim",
        "Airflow revokes a task on a standby",
        (0.0, revoke_after_claim),
        expected="revoked, and its container is stopped",
        revoked=1,
        hits=1,
    ),
    _one(
        "standby: queued again under offer",
        "a revoked task under offer is queued again with its key",
        (0.0, requeue_under_offer),
        hits=0,
    ),
    _one(
        "standby: new image",
        "the task definition has a new revision",
        (0.0, new_revision),
        (100.0, acts.launch(1)),
        hits=1,
        check=old_ones_are_gone,
    ),
    _one(
        "standby: new settings",
        "the scheduler restarts with other subnets",
        (0.0, new_settings),
        (100.0, acts.launch(1)),
        hits=1,
        check=old_ones_are_gone,
    ),
    _one(
        "standby: all stopped",
        "every idle standby is stopped from outside",
        (0.0, stop_idle_by_hand),
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
        check=paused,
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
    _one("standby: burst", "a hundred tasks meet two standbys", (0.0, burst), hits=2, limits=True),
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
        (0.0, lambda stage: _exit_with(stage, 80)),
        expected="fail",
        fail=1,
        hits=1,
    ),
)


def _exit_with(stage: Stage, code: int) -> None:
    stage.world.containers_inside.exit_codes.append(code)
    stage.launch(1)
