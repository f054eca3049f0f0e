"""A cloud on this machine: moto for every AWS service, and a task plane that runs ECS tasks.

Without HTTP, for tests with faults and a clock that stands still:

    clock = ManualClock()
    engine = SimulatedEngine(clock=clock, default=Behaviour(run=30, exit_code=1), seed=7)
    plane = TaskPlane(engine, clock=clock)
    plane.catalog.add_cluster("airflow")
    plane.catalog.add_task_definition(
        family="worker", cpu="256", memory="512", containerDefinitions=[{"name": "worker", "image": "worker"}]
    )
    ecs, sqs = plane.client("ecs"), plane.client("sqs")   # boto3's methods, ClientError and all
    plane.faults.add(Fault("throttle", operations=("RunTask",), times=3))
    plane.subscribe(lambda event: ...)
    clock.advance(60)

Over HTTP: `python -m local_cloud --help`.
"""

from __future__ import annotations

from local_cloud.clock import ManualClock, SystemClock
from local_cloud.ecs.catalog import StaticCatalog
from local_cloud.ecs.plane import TaskPlane
from local_cloud.ecs.records import Container, Task
from local_cloud.errors import AwsError
from local_cloud.events.task_events import TaskEvent
from local_cloud.faults.injection import EventFaults, Fault, Faults
from local_cloud.faults.limits import Limits
from local_cloud.simulated.behaviour import (
    PULL_TIMEOUT,
    RETIRED,
    Behaviour,
    fails_to_start,
    host_failed,
    out_of_memory,
    spot_interrupted,
    spot_taken_before_start,
)
from local_cloud.simulated.engine import SimulatedEngine

__all__ = [
    "PULL_TIMEOUT",
    "RETIRED",
    "AwsError",
    "Behaviour",
    "Container",
    "EventFaults",
    "Fault",
    "Faults",
    "Limits",
    "ManualClock",
    "SimulatedEngine",
    "StaticCatalog",
    "SystemClock",
    "Task",
    "TaskEvent",
    "TaskPlane",
    "fails_to_start",
    "host_failed",
    "out_of_memory",
    "spot_interrupted",
    "spot_taken_before_start",
]
