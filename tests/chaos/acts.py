"""What happens in the middle of a scenario, besides faults: to schedulers, clocks, queues, definitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scenarios.outages import Outage, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.stage import Stage
    from local_cloud import Behaviour

    Act = Callable[[Stage], None]

NO_QUEUE = refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")


def launch(count: int, **options: Any) -> Act:
    """More tasks are queued."""

    def act(stage: Stage) -> None:
        stage.launch(count, **options)
        stage.acts -= 1  # No fault.

    return act


def behave(behaviour: Behaviour) -> Act:
    """What is launched from now on lives otherwise."""

    def act(stage: Stage) -> None:
        stage.world.engine.default = behaviour

    return act


# --- schedulers ---------------------------------------------------------------------------------------------


def kill(stage: Stage) -> None:
    """The first scheduler dies between two heartbeats; its successor adopts at once."""
    stage.schedulers[0].restart()


def kill_before_sync(stage: Stage) -> None:
    """It dies after its threads called AWS and before anything of it was told to Airflow."""
    first = stage.schedulers[0]
    stage.world.step(first.fleet, sync=False)
    first.restart()


def kill_for(seconds: float) -> Act:
    """It dies, and for so long there is no scheduler."""

    def act(stage: Stage) -> None:
        stage.world.clock.advance(seconds)
        stage.schedulers[0].restart()

    return act


def kill_one_of_two(stage: Stage) -> None:
    """The last scheduler dies with events in its hands; the first one takes its tasks over."""
    dead = stage.schedulers.pop()
    dead.fleet.listener and stage.world.sqs.receive_message(MaxNumberOfMessages=10)
    stage.schedulers[0].take_over(dead)
    stage.dead.append(dead)


def hang_one_of_two(stage: Stage) -> None:
    """The last scheduler's loop hangs while its threads go on; the first one takes its tasks over."""
    hung = stage.schedulers.pop()
    stage.hung.append(hung)
    stage.schedulers[0].take_over(hung)


def end_the_hung(stage: Stage) -> None:
    """It sees that it was taken for dead, and ends."""
    stage.dead += stage.hung
    stage.hung = []


def end_in_order(stage: Stage) -> None:
    """It ends as Airflow ends it, and another begins."""
    stage.schedulers[0].fleet.end()
    stage.schedulers[0].restart()


def change_configuration(**changes: Any) -> Act:
    """It dies, and its successor is configured otherwise: requests with the same token differ."""

    def act(stage: Stage) -> None:
        from dataclasses import replace  # noqa: PLC0415

        stage.world.step(stage.schedulers[0].fleet, sync=False)
        stage.world.config = replace(stage.world.config, **changes)
        stage.schedulers[0].restart()

    return act


def revoke(stage: Stage) -> None:
    """Airflow lets go of the oldest task."""
    for each in stage.schedulers:
        each.revoke()


# --- clocks -------------------------------------------------------------------------------------------------


def freeze(seconds: float) -> Act:
    """The process is stopped for so long: both clocks jump forward."""
    return lambda stage: stage.world.clock.advance(seconds)


def wall_clock(seconds: float) -> Act:
    """The machine's wall clock is wrong by so much from now on; the monotonic one is not."""

    def act(stage: Stage) -> None:
        stage.world.seconds.wall_error = seconds

    return act


# --- queues and events --------------------------------------------------------------------------------------


def without_queue(seconds: float) -> Act:
    """The queue is deleted with all that is in it, and made again after so long."""

    def act(stage: Stage) -> None:
        stage.world.sqs.purge()
        stage.world.sqs.deaf_until = stage.world.clock.now() + seconds
        stage.world.outages.add(Outage(NO_QUEUE, service="sqs", until=seconds))

    return act


def replay(stage: Stage) -> None:
    """Every event that there ever was comes again: a redrive of the dead-letter queue."""
    for event in stage.events:
        stage.world.sqs.put(json.dumps(event.envelope()))
        stage.acts += 1


def poison(*bodies: str) -> Act:
    """Messages that are no task events arrive."""

    def act(stage: Stage) -> None:
        for body in bodies:
            stage.world.sqs.put(body)
            stage.acts += 1

    return act


# --- what is deleted, and stops -----------------------------------------------------------------------------


def delete_task_definition(stage: Stage) -> None:
    """Somebody deregisters the worker's task definition."""
    stage.world.catalog.remove_task_definition("worker")


def create_task_definition(stage: Stage) -> None:
    """It is registered again."""
    stage.world.create_task_definition()


def delete_cluster(stage: Stage) -> None:
    """The cluster cannot be found."""
    stage.world.catalog.remove_cluster("airflow")


def create_cluster(stage: Stage) -> None:
    """It is there again, with the tasks that ran in it."""
    stage.world.create_cluster()


def stop_all_by_hand(stage: Stage) -> None:
    """A person stops every container in the console."""
    ecs = stage.world.plane.client("ecs")
    for task in stage.world.plane.living():
        ecs.stop_task(cluster="airflow", task=task.arn, reason="by hand")
        stage.acts += 1
