"""Where scenarios play: one cloud, one database, and Airflow's own scheduler for each executor."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.drives import Home, Record
from benchmarks.metadata import Metadata
from benchmarks.names import run_id_of, task_id_of
from benchmarks.runs import Arrivals, SchedulerProcess, wait_for
from benchmarks.scheduler import CLASSES
from benchmarks.workloads import launch_id_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from benchmarks.metadata import Database

EXECUTORS = ("ours", "peer")
FLOOR = "floor"
AIRFLOW = {
    "AIRFLOW__CORE__PARALLELISM": "100000",
    "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "128",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "3600",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
}
"""Airflow's options that are not its defaults (except the sleep, which is); the page states them."""


class Stage:
    """Plays; a context manager that leaves nothing behind.

    Args:
        metadata: a PostgreSQL server that several stages share; its own when None.
    """

    def __init__(self, metadata: Metadata | None = None) -> None:
        self._home = Home()
        self._metadata = metadata or Metadata()
        self._shares = metadata is not None
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shares:
            self._metadata.__exit__(kind, error, trace)
        self._home.close()

    def play(  # noqa: PLR0913  what a drive is made of
        self,
        executor: str,
        setup: CloudSetup,
        *,
        arrivals: list[list[float]] = [],  # noqa: B006  never changed
        until: str = "finished",
        seconds: float = 60.0,
        preload: int = 0,
        recorded: float = 1.0,
        payloads: bool = True,
        options: dict[str, str] | None = None,
        airflow: dict[str, str] | None = None,
        slots: bool = False,
        schedulers: int = 1,
    ) -> Record:
        """Play one drive to its end.

        Args:
            executor: ours, peer, or floor for one that does nothing.
            setup: the cloud's.
            arrivals: [seconds from the start, how many tasks become due].
            until: launched, finished or time; see ``wait_for``.
            seconds: at most.
            preload: containers that run already when the scheduler starts; it is offered them for adoption.
            recorded: the share of them whose ARN the database knows; of the rest it knows the launch id.
            payloads: whether ours puts workloads into S3.
            options: more options of ``[fargate]``.
            airflow: more of Airflow's settings, as environment variables.
            slots: whether to note when each slot becomes free.
            schedulers: how many share the database.
        """
        count = int(sum(count for _, count in arrivals))
        with self._scene(executor, setup, preload + count, options, payloads, airflow) as scene:
            scene.preload(executor, preload, recorded)
            processes = [scene.scheduler(slots=slots) for _ in range(schedulers)]
            for process in processes:
                process.wait_until_up()
            scene.cloud.open()
            coming = scene.arrive(arrivals, preload)
            if executor == FLOOR:
                wait_for_queued(scene.database, count, seconds)
            else:
                wait_for(until, preload + count, scene.database, scene.cloud, seconds)
            coming.give_up()
            how = "drain" if until == "finished" else "stop"
            for process in processes:
                process.say(how)
            return scene.record([process.finish(how) for process in processes], coming.started)

    def play_killed(
        self, executor: str, setup: CloudSetup, tasks: int, seconds: float, schedulers: int = 1
    ) -> tuple[Record, int]:
        """Kill a scheduler half-way through its launches; another adopts its tasks.

        Args:
            executor: ours or peer.
            setup: the cloud's.
            tasks: how many become due at once.
            seconds: at most, after the kill.
            schedulers: how many there are before the kill; the first is killed.

        Returns:
            The record of those that survived or came after, and how many containers there were at the kill.
        """
        with self._scene(executor, setup, tasks, None, True, None) as scene:  # noqa: FBT003
            processes = [scene.scheduler() for _ in range(schedulers)]
            jobs = [process.wait_until_up() for process in processes]
            scene.cloud.open()
            coming = scene.arrive([[0, tasks]], 0)
            wait_for("launched", tasks // 2, scene.database, scene.cloud, seconds)
            processes[0].kill()
            launched = len(scene.cloud.record()["tasks"])
            scene.database.take_for_dead(jobs[0])
            processes[0] = scene.scheduler()
            processes[0].wait_until_up()
            wait_for("finished", tasks, scene.database, scene.cloud, seconds)
            for process in processes:
                process.say("drain")
            return scene.record([each.finish("drain") for each in processes], coming.started), launched

    def _scene(  # noqa: PLR0913, PLR0917  what a scene is made of
        self,
        executor: str,
        setup: CloudSetup,
        tasks: int,
        options: dict[str, str] | None,
        payloads: bool,  # noqa: FBT001
        airflow: dict[str, str] | None,
    ) -> Scene:
        def environment(cloud: Cloud | None) -> dict[str, str]:
            made = self._home.environment(
                cloud or Cloud(setup),
                "ours" if executor == FLOOR else executor,
                payloads=payloads,
                options=options or {},
            )
            if executor == FLOOR:
                made["AIRFLOW__CORE__EXECUTOR"] = "benchmarks.null_executor.NullExecutor"
            return {**made, **AIRFLOW, **(airflow or {})}

        # The template's executor does not matter: the DAG names none.
        template = {**environment(None), "AIRFLOW__CORE__EXECUTOR": CLASSES["ours"]}
        database = self._metadata.copy(template, max(tasks, 1))
        return Scene(self._home, self._numbers, setup, database, environment)


class Scene:
    """One cloud and one database, for one drive; a context manager."""

    def __init__(
        self,
        home: Home,
        numbers: itertools.count[int],
        setup: CloudSetup,
        database: Database,
        environment: Callable[[Cloud], dict[str, str]],
    ) -> None:
        self._home = home
        self._numbers = numbers
        self._environment = environment
        self._processes: list[SchedulerProcess] = []
        self.database = database
        self.cloud = Cloud(setup, database.address)

    def __enter__(self) -> Self:
        self.cloud.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        self.cloud.__exit__(kind, error, trace)
        self.database.__exit__(kind, error, trace)

    def scheduler(self, *, slots: bool = False) -> SchedulerProcess:
        """Start a scheduler."""
        environment = {
            **self._environment(self.cloud),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database.url,
        }
        name = f"scheduler-{next(self._numbers)}"
        process = SchedulerProcess(self._home.path, name, environment, slots=slots)
        self._processes.append(process)
        return process

    def preload(self, executor: str, count: int, recorded: float) -> None:
        """Have so many containers run already, launched by a scheduler that is gone."""
        if not count:
            return
        arns = self.cloud.preload(
            [
                {"name": f"{run_id_of(n)}/{task_id_of(n)}", "started_by": f"airflow/{launch_id_of(n)}"}
                for n in range(count)
            ]
        )
        told = round(count * recorded)
        other = launch_id_of if executor == "ours" else lambda _: None
        self.database.give_to_a_dead_scheduler(
            [
                (n, "running" if n < told else "queued", arns[n] if n < told else other(n))
                for n in range(count)
            ]
        )

    def arrive(self, arrivals: list[list[float]], first: int) -> Arrivals:
        """Let tasks become due from now on."""
        for process in self._processes:
            process.say("started")
        coming = Arrivals(self.database, arrivals, first)
        coming.start()
        return coming

    def record(self, found: list[dict[str, Any]], started: float) -> Record:
        """Return what the schedulers did as one record, with what the cloud and the database know."""
        marks = {**found[0]["marks"], "started": started or time.time()}
        marks["first_queued"] = self.database.first_queued()
        marks["running"] = sum(each["marks"]["running"] for each in found)
        marks["ended"] = max(each["marks"]["ended"] for each in found)
        marks["schedulers"] = [each["marks"] for each in found]
        return Record(
            found[0]["heartbeats"],
            sorted(event for each in found for event in each["events"]),
            marks,
            self.cloud.record(),
            [lag for each in found for lag in each["event_lags"]],
            found[0]["loops"],
            [slot for each in found for slot in each["freed"]],
            self.database.states(),
        )


def wait_for_queued(database: Database, tasks: int, seconds: float) -> None:
    """Return when Airflow has queued so many tasks, or after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if list(database.states().values()).count("queued") >= tasks:
            return
        time.sleep(0.2)
