"""Airflow's side of the contract: an executor as the scheduler drives it, over a simulated cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.executors.executor_loader import ExecutorLoader

from airflow_fargate.executor import load_hook
from airflow_fargate.fleet import Fleet
from scenarios.world import Seconds, World

if TYPE_CHECKING:
    from airflow_fargate.config import FargateConfig
    from local_cloud import Behaviour


class _Unthreaded(Fleet):
    """Its threads' steps are made by the world, by hand."""

    def start(self) -> None:
        """Start nothing."""


class Scheduler:
    """What ``SchedulerJobRunner`` does with an executor: start, heartbeat, events, in this order."""

    def __init__(self, default: Behaviour | None = None) -> None:
        self.world = World(default)
        self.executor = ExecutorLoader.load_executor("airflow_fargate.FargateExecutor")
        self.executor._build_fleet = self._build_fleet
        self.executor.start()
        self.events: list[tuple[Any, Any, Any]] = []

    def _build_fleet(self, config: FargateConfig) -> Fleet:
        world = self.world
        clients = {"ecs": world.plane.client("ecs"), "sqs": world.sqs, "s3": world.s3, "logs": world.logs}
        hook = load_hook(config.execution_config_function)
        world.fleet = _Unthreaded(config, clients.__getitem__, Seconds(world.clock), hook)
        return world.fleet

    def loop(self) -> None:
        """Make one turn of the scheduler's loop, then let the threads do theirs."""
        self.executor.heartbeat()
        self.events += [(key, *value) for key, value in self.executor.get_event_buffer().items()]
        self.world.step(sync=False)

    def run(self, seconds: int) -> None:
        """Turn once a second."""
        for _ in range(seconds):
            self.loop()
            self.world.clock.advance(1)
        self.loop()
        self.loop()

    def states(self) -> list[str]:
        """Return the states told, in order."""
        return [str(getattr(state, "value", state)) for _, state, _ in self.events]
