"""What happens to standbys in the scenarios of standing_by.py."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chaos import acts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.fleet.fleet import Fleet
    from airflow_fargate.standby.standbys import Standbys
    from chaos.stage import Stage

    Act = Callable[[Stage], None]


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
    """The same, but the scheduler only pauses there, and writes after the new one has adopted the task."""

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


def exit_with(stage: Stage, code: int) -> None:
    """Launch one task whose container exits with this code."""
    stage.world.containers_inside.exit_codes.append(code)
    stage.launch(1)
