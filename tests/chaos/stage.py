"""The stage of a scenario: a simulated AWS, one or more schedulers, and the outcomes of their tasks."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour
from scenarios.airflow import Airflow
from scenarios.standbys import is_standby
from scenarios.world import World
from unit.aws.aws_sentences import STOP, published

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_cloud import Task, TaskEvent

GOOD = Behaviour(run=(5.0, 60.0))
NOT_FOUND = published(STOP, "image_not_found")
"""A cause that does not pass: who meets it before running fails, rightly."""
_NO_FAILURE = {Outcome.SUCCESS, Outcome.RESUMES_LATER}


@dataclass(frozen=True)
class Sums:
    """What a run came to. All but the first four are to be 0.

    duplicates: containers that ran beyond the first of their launch, and ends told beyond the first. lost:
    tasks of whose end nobody was told. wrongly_failed: told otherwise than their container ended. leaked:
    slots without a task, tasks without a slot, at the end or after any heartbeat. left: containers that run
    though nobody wants them. strayed: tasks that a standby ran although their fate did not send them there.
    """

    tasks: int = 0
    injected: int = 0
    succeeded: int = 0
    failed: int = 0
    duplicates: int = 0
    lost: int = 0
    wrongly_failed: int = 0
    leaked: int = 0
    left: int = 0
    strayed: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + theirs for mine, theirs in zip(self.row(), other.row(), strict=True)))

    def row(self) -> tuple[int, ...]:
        """Return the figures in order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def faulty(self) -> int:
        """Everything that must be 0."""
        return self.duplicates + self.lost + self.wrongly_failed + self.leaked + self.left + self.strayed


class Stage:
    """One simulated AWS with its schedulers, on which a scenario runs."""

    def __init__(self, default: Behaviour = GOOD, seed: int = 0, schedulers: int = 1, **config: Any) -> None:
        self.world = World(default, seed=seed, **{"reconcile_interval": 30.0, **config})
        first = Airflow(self.world)
        self.schedulers = [
            first,
            *(Airflow(self.world, self.world.scheduler()) for _ in range(schedulers - 1)),
        ]
        self.dead: list[Airflow] = []
        self.hung: list[Airflow] = []
        self.acts = 0
        self.events: list[TaskEvent] = []
        self.world.plane.subscribe(self.events.append)
        self._turn = 0

    def launch(self, count: int, **options: Any) -> None:
        """Queue this many tasks, alternating between the schedulers."""
        for _ in range(count):
            self.schedulers[self._turn % len(self.schedulers)].launch(**options)
            self._turn += 1

    def run(self, until: float, every: float = 1.0) -> None:
        """Let time pass until this time of the simulated clock."""
        clock = self.world.clock
        while clock.now() < until:
            for scheduler in self.schedulers:
                scheduler.heartbeat()
            for hung in self.hung:
                self.world.step(hung.fleet, sync=False)
            clock.advance(min(every, until - clock.now()))

    def everybody(self) -> list[Airflow]:
        """All schedulers, including killed ones."""
        return [*self.schedulers, *self.hung, *self.dead]

    def sums(
        self, is_doomed: Callable[[Task], bool] = lambda _: False, refused: int = 0, unknown: int = 0
    ) -> Sums:
        """Count.

        Args:
            is_doomed: whether a task that never ran fails rightly for what ECS says of its end.
            refused: how many may fail without any container.
            unknown: of how many it is right to say that their end is not known.
        """
        containers = self._containers()
        outcomes: Counter[Any] = Counter()
        verdicts: dict[Any, Outcome] = {}
        revoked: set[Any] = set()
        for each in self.everybody():
            outcomes.update(each.outcomes)
            verdicts |= {key: verdict.outcome for key, verdict in each.verdicts.items()}
            revoked |= each.revoked
        unknowable = [
            key
            for each in self.everybody()
            for key, verdict in each.verdicts.items()
            if "is unknown" in str(verdict.diagnosis)
        ][:unknown]
        keys = {f"task-{number}" for number in range(1, self.world.numbers + 1)}
        ran = {key: [task for task in containers[key] if task.started_at is not None] for key in keys}
        bare = [
            key
            for key in keys - revoked
            if verdicts.get(key, Outcome.SUCCESS) is not Outcome.SUCCESS
            and not ran[key]
            # Adopted by its ARN, and stopped before it ran: there is nothing to launch, so Airflow retries.
            and not any(key in each.by_arn for each in self.everybody())
            and not any(map(is_doomed, containers[key]))
        ]
        wrong = [
            key
            for key in keys - revoked - set(unknowable)
            if key in verdicts and ran[key] and verdicts[key] not in _outcomes(ran[key])
        ]
        held = sum(len(each.fleet.registry) + len(each.held() ^ each.running) for each in self.schedulers)
        return Sums(
            tasks=len(keys),
            injected=self.injected(),
            succeeded=sum(each is Outcome.SUCCESS for each in verdicts.values()),
            failed=sum(each not in _NO_FAILURE for each in verdicts.values()),
            duplicates=sum(max(0, len(each) - 1) for each in ran.values())
            + sum(count - 1 for count in outcomes.values()),
            lost=len(keys - revoked - set(outcomes)),
            wrongly_failed=len(wrong) + max(0, len(bare) - refused),
            leaked=held + sum(each.leaks for each in self.everybody()),
            left=sum(
                task.last_status != "STOPPED" and not self._waits(task) for task in self.world.plane.tasks()
            ),
            strayed=sum(
                self._fate(launch) != arn for arn, launch in self.world.containers_inside.ran.items()
            ),
        )

    def containers(self) -> int:
        """Return how many were started, without the standbys that never had a task."""
        inside = self.world.containers_inside
        return sum(not is_standby(task) or task.arn in inside.ran for task in self.world.plane.tasks())

    def _waits(self, task: Task) -> bool:
        """Tell a standby without a task; it is nobody's orphan."""
        return is_standby(task) and task.arn not in self.world.containers_inside.ran

    def _fate(self, launch: str) -> str:
        return str(json.loads(self.world.s3.objects.get(f"launches/{launch}", b"{}")).get("arn"))

    def injected(self) -> int:
        """How many faults happened: in the plane, at the clients, on the stage."""
        world = self.world
        return sum(world.plane.faults.injected.values()) + sum(world.outages.injected.values()) + self.acts

    def failures(self) -> Sequence[str]:
        """The messages that Airflow got about failed tasks."""
        return [
            str(verdict.diagnosis)
            for each in self.everybody()
            for verdict in each.verdicts.values()
            if verdict.outcome not in _NO_FAILURE
        ]

    def _containers(self) -> dict[str, list[Task]]:
        found: dict[str, list[Task]] = {f"task-{n}": [] for n in range(1, self.world.numbers + 1)}
        for task in self.world.plane.tasks():
            deployment, _, launch_id = (task.started_by or "").partition("/")
            if is_standby(task):
                launch_id = self.world.containers_inside.ran.get(task.arn, "")
            if launch_id and deployment == self.world.config.deployment:
                found[f"task-{int(launch_id.rpartition('-')[2])}"].append(task)
        return found


def _outcomes(ran: list[Task]) -> set[Outcome]:
    """Return the outcomes that these containers allow: a failure only if all of them failed."""
    by_code = {0: Outcome.SUCCESS, 81: Outcome.RESUMES_LATER, 82: Outcome.SUCCESS}
    codes = [item.exit_code for task in ran for item in task.containers if item.name == "worker"]
    return {by_code[code] for code in codes if code in by_code} or set(Outcome) - _NO_FAILURE
