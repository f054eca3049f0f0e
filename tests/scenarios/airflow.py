"""Airflow's side of a run: slots, outcomes, external_executor_ids, and adoption."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_fargate.tasks.messages import Finish, Release, Report

if TYPE_CHECKING:
    from airflow_fargate.fleet.fleet import Fleet
    from airflow_fargate.settings.task_options import TaskOptions
    from airflow_fargate.tasks.verdict import Outcome, Verdict
    from scenarios.world import World


class Airflow:
    """One scheduler, and what Airflow's database knows of its tasks.

    outcomes: how often each task's end was told. arns: what was reported. leaks: how often after a heartbeat
    the slots were not the tasks that the fleet holds. by_arn: tasks that were adopted by their ARN.
    """

    def __init__(self, world: World, fleet: Fleet | None = None) -> None:
        self.world = world
        self.fleet: Fleet = fleet or world.fleet
        self.running: set[Any] = set()
        self.revoked: set[Any] = set()
        self.arns: dict[Any, str] = {}
        self.outcomes: Counter[Any] = Counter()
        self.verdicts: dict[Any, Verdict] = {}
        self.leaks = 0
        self.by_arn: set[Any] = set()

    def run(self, seconds: float, every: float = 1.0) -> None:
        """Let time pass, with regular heartbeats."""
        until = self.world.clock.now() + seconds
        while self.world.clock.now() < until:
            self.heartbeat()
            self.world.clock.advance(every)

    def heartbeat(self) -> None:
        """Let the threads work, sync, and record the notices."""
        before = len(self.world.told)
        self.world.step(self.fleet)
        for told in self.world.told[before:]:
            if isinstance(told, Report):
                self.arns[told.key] = told.arn
            elif isinstance(told, Finish) and not told.is_known:
                self.outcomes[told.key] += 1
                self.verdicts[told.key] = told.verdict
                self.running.discard(told.key)
            elif isinstance(told, Release):
                self.running.discard(told.key)
        self.leaks += self.held() != self.running

    def held(self) -> set[Any]:
        """The tasks that the fleet holds or is about to report: the expected slots."""
        return {task.key for task in self.fleet.registry if not task.revoked} | self._explained()

    def _explained(self) -> set[Any]:
        waiting = self.fleet.explainer._waiting
        return {key for key, (finish, _) in waiting.items() if not finish.is_known}

    def outcome(self, key: Any) -> Outcome | None:
        """How a task ended; None if nothing was reported."""
        verdict = self.verdicts.get(key)
        return verdict.outcome if verdict else None

    def launch(self, options: TaskOptions | None = None) -> str:
        """Queue one more task; return its key."""
        key = self.world.launch(options, fleet=self.fleet)
        self.running.add(key)
        return key

    def revoke(self) -> None:
        """Clear the first of the running tasks."""
        if self.running:
            key = min(self.running, key=lambda each: int(str(each).rpartition("-")[2]))
            self.running.discard(key)
            self.revoked.add(key)
            self.fleet.revoke(key, "cleared")

    def restart(self) -> None:
        """Kill the scheduler: only what is in Airflow's database survives."""
        self.fleet = self.world.scheduler()
        self.offer(self.running)

    def take_over(self, dead: Airflow) -> None:
        """Adopt the tasks of another scheduler that ended."""
        self.arns |= dead.arns
        orphans, dead.running = dead.running, set()
        self.running |= orphans
        self.offer(orphans)

    def offer(self, keys: set[Any]) -> None:
        """Let the fleet adopt tasks by their rows in the database."""
        for key in sorted(keys):
            launch = self.world.a_launch(key)
            arn = self.arns.get(key, "")
            if arn:
                self.by_arn.add(key)
                self.fleet.adopt(key, arn, arn=arn)
            else:
                self.fleet.adopt(key, launch.launch_id, launch=launch)
