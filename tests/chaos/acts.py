"""What happens during a scenario, besides faults: to schedulers, clocks, queues and task definitions."""

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
    """Queue more tasks."""

    def act(stage: Stage) -> None:
        stage.launch(count, **options)
        stage.acts -= 1  # No fault.

    return act


def behave(behaviour: Behaviour) -> Act:
    """Change how containers behave that are launched from now on."""

    def act(stage: Stage) -> None:
        stage.world.engine.default = behaviour

    return act


# --- schedulers ---------------------------------------------------------------------------------------------


def kill(stage: Stage) -> None:
    """Kill the first scheduler between two heartbeats; the next one adopts at once."""
    stage.schedulers[0].restart()


def kill_before_sync(stage: Stage) -> None:
    """Kill it after its threads called AWS and before it reported anything to Airflow."""
    first = stage.schedulers[0]
    stage.world.step(first.fleet, sync=False)
    first.restart()


def kill_for(seconds: float) -> Act:
    """Kill it, and run no scheduler for this time."""

    def act(stage: Stage) -> None:
        stage.world.clock.advance(seconds)
        stage.schedulers[0].restart()

    return act


def kill_one_of_two(stage: Stage) -> None:
    """Kill the last scheduler while it holds events; the first one adopts its tasks."""
    dead = stage.schedulers.pop()
    dead.fleet.listener and stage.world.sqs.receive_message(MaxNumberOfMessages=10)
    stage.schedulers[0].take_over(dead)
    stage.dead.append(dead)


def hang_one_of_two(stage: Stage) -> None:
    """Stall the last scheduler's loop while its threads continue; the first one adopts its tasks."""
    hung = stage.schedulers.pop()
    stage.hung.append(hung)
    stage.schedulers[0].take_over(hung)


def end_the_hung(stage: Stage) -> None:
    """The stalled scheduler sees that it was considered dead, and ends."""
    stage.dead += stage.hung
    stage.hung = []


def end_in_order(stage: Stage) -> None:
    """End it as Airflow does, and start another."""
    stage.schedulers[0].fleet.end()
    stage.schedulers[0].restart()


def change_configuration(**changes: Any) -> Act:
    """Kill it, and start the next one with another configuration: requests with the same token differ."""

    def act(stage: Stage) -> None:
        from dataclasses import replace  # noqa: PLC0415

        stage.world.step(stage.schedulers[0].fleet, sync=False)
        stage.world.config = replace(stage.world.config, **changes)
        stage.schedulers[0].restart()

    return act


def revoke(stage: Stage) -> None:
    """Revoke the oldest task."""
    for each in stage.schedulers:
        each.revoke()


# --- clocks -------------------------------------------------------------------------------------------------


def freeze(seconds: float) -> Act:
    """Stop the process for this time: both clocks jump forward."""
    return lambda stage: stage.world.clock.advance(seconds)


def wall_clock(seconds: float) -> Act:
    """Set the wall clock wrong by this much; the monotonic clock is right."""

    def act(stage: Stage) -> None:
        stage.world.seconds.wall_error = seconds

    return act


# --- queues and events --------------------------------------------------------------------------------------


def without_queue(seconds: float) -> Act:
    """Delete the queue with its messages, and create it again after this time."""

    def act(stage: Stage) -> None:
        stage.world.sqs.purge()
        stage.world.sqs.deaf_until = stage.world.clock.now() + seconds
        stage.world.outages.add(Outage(NO_QUEUE, service="sqs", until=seconds))

    return act


def replay(stage: Stage) -> None:
    """Deliver every event again, as a redrive of the dead-letter queue does."""
    for event in stage.events:
        stage.world.sqs.put(json.dumps(event.envelope()))
        stage.acts += 1


def poison(*bodies: str) -> Act:
    """Deliver messages that are not task events."""

    def act(stage: Stage) -> None:
        for body in bodies:
            stage.world.sqs.put(body)
            stage.acts += 1

    return act


# --- what is deleted, and stops -----------------------------------------------------------------------------


def delete_task_definition(stage: Stage) -> None:
    """Deregister the worker's task definition."""
    stage.world.catalog.remove_task_definition("worker")


def create_task_definition(stage: Stage) -> None:
    """Register it again."""
    stage.world.create_task_definition()


def delete_cluster(stage: Stage) -> None:
    """Make the cluster unavailable."""
    stage.world.catalog.remove_cluster("airflow")


def create_cluster(stage: Stage) -> None:
    """Make it available again, with its tasks."""
    stage.world.create_cluster()


def stop_all_by_hand(stage: Stage) -> None:
    """Stop every container, as in the console."""
    ecs = stage.world.plane.client("ecs")
    for task in stage.world.plane.living():
        ecs.stop_task(cluster="airflow", task=task.arn, reason="by hand")
        stage.acts += 1
