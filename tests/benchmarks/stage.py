"""Runs a scenario: one simulated AWS, one database, and Airflow's own scheduler with one executor."""

from __future__ import annotations

import itertools
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.metadata import Metadata
from benchmarks.names import launch_id_of, run_id_of, task_id_of
from benchmarks.records import CLASSES, Home, Record
from benchmarks.runs import Arrivals, SchedulerProcess, wait_for, wait_for_queued

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from benchmarks.metadata import Database

FLOOR = "floor"
AIRFLOW = {
    "AIRFLOW__CORE__PARALLELISM": "100000",
    "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "128",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "3600",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
}
"""Airflow's settings that differ from its defaults, and the sleep, which does not. The page lists them."""


class Stage:
    """Runs scenarios; a context manager that leaves nothing behind.

    Args:
        metadata: a PostgreSQL server to share with other stages; None for one of its own.
        make_cloud: builds the simulated AWS from its setup and the database's address.
    """

    def __init__(
        self, metadata: Metadata | None = None, make_cloud: Callable[[CloudSetup, str], Cloud] = Cloud
    ) -> None:
        self._home = Home()
        self._metadata = metadata or Metadata()
        self._shares = metadata is not None
        self._make_cloud = make_cloud
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shares:
            self._metadata.__exit__(kind, error, trace)
        self._home.close()

    def play(  # noqa: PLR0913  each is one property of a run
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
        during: Callable[[Scene], None] | None = None,
    ) -> Record:
        """Run a scenario to its end.

        Args:
            executor: ours, peer, or floor.
            setup: how AWS behaves.
            arrivals: ``[seconds from the start, how many tasks become due]``.
            until: launched, finished or time; see ``wait_for``.
            seconds: how long it may take.
            preload: containers that already run when the scheduler starts, which adopts them.
            recorded: the share of them whose ARN the database knows; for the others it knows the launch id.
            payloads: whether our executor puts workloads into S3.
            options: more options of ``[fargate]``.
            airflow: more of Airflow's settings, as environment variables.
            slots: whether to note when each slot becomes free.
            schedulers: how many share the database.
            during: called once the first tasks are due.
        """
        count = int(sum(count for _, count in arrivals))
        with self.scene(
            executor, setup, preload + count, options, payloads=payloads, airflow=airflow
        ) as scene:
            scene.preload(executor, preload, recorded)
            processes = [scene.start_scheduler(slots=slots) for _ in range(schedulers)]
            for process in processes:
                process.wait_until_up()
            scene.cloud.open()
            coming = scene.arrive(arrivals, preload)
            if during is not None:
                during(scene)
            if executor == FLOOR:
                wait_for_queued(scene.database, count, seconds)
            else:
                wait_for(until, preload + count, scene.database, scene.cloud, seconds)
            coming.give_up()
            how = "drain" if until == "finished" else "stop"
            for process in processes:
                process.say(how)
            return scene.record([process.finish(how) for process in processes], coming.started)

    def play_killed(  # noqa: PLR0913  each is one property of a run
        self,
        executor: str,
        setup: CloudSetup,
        tasks: int,
        seconds: float,
        *,
        schedulers: int = 1,
        options: dict[str, str] | None = None,
    ) -> tuple[Record, int]:
        """Kill a scheduler when half of the tasks are launched; a new one adopts them.

        Args:
            executor: ours or peer.
            setup: how AWS behaves.
            tasks: how many become due at once.
            seconds: how long it may take after the kill.
            schedulers: how many there are before the kill; the first is killed.
            options: more options of ``[fargate]``.

        Returns:
            The record of the schedulers that survived or came later, and how many containers had been
            launched before the kill.
        """
        with self.scene(executor, setup, tasks, options) as scene:
            processes = [scene.start_scheduler() for _ in range(schedulers)]
            jobs = [process.wait_until_up() for process in processes]
            scene.cloud.open()
            coming = scene.arrive([[0, tasks]], 0)
            wait_for("launched", tasks // 2, scene.database, scene.cloud, seconds)
            processes[0].kill()
            launched = len(scene.cloud.record()["tasks"])
            scene.database.age_heartbeat(jobs[0])
            processes[0] = scene.start_scheduler()
            processes[0].wait_until_up()
            wait_for("finished", tasks, scene.database, scene.cloud, seconds)
            for process in processes:
                process.say("drain")
            return scene.record([each.finish("drain") for each in processes], coming.started), launched

    def scene(  # noqa: PLR0913  each is one property of a scene
        self,
        executor: str,
        setup: CloudSetup,
        tasks: int,
        options: dict[str, str] | None = None,
        *,
        payloads: bool = True,
        airflow: dict[str, str] | None = None,
        make_cloud: Callable[[CloudSetup, str], Cloud] | None = None,
    ) -> Scene:
        """Return a simulated AWS and a database with so many tasks, none of which is due.

        Args:
            executor: a key of ``CLASSES``.
            setup: how AWS behaves.
            tasks: how many the database has at least.
            options: more options of ``[fargate]``.
            payloads: whether our executor puts workloads into S3.
            airflow: more of Airflow's settings, as environment variables.
            make_cloud: as for the stage, for this scene alone.
        """

        def environment(cloud: Cloud) -> dict[str, str]:
            home = self._home.environment(cloud, executor, payloads=payloads, options=options or {})
            return {**home, **AIRFLOW, **(airflow or {})}

        # One template serves every executor: its DAG names none.
        template = {**environment(Cloud(setup)), "AIRFLOW__CORE__EXECUTOR": CLASSES["ours"]}
        database = self._metadata.copy(template, max(tasks, 1))
        cloud = (make_cloud or self._make_cloud)(setup, database.address)
        return Scene(self._home, self._numbers, cloud, database, environment)


class Scene:
    """One simulated AWS, one database and the schedulers of one run; a context manager."""

    def __init__(
        self,
        home: Home,
        numbers: itertools.count[int],
        cloud: Cloud,
        database: Database,
        environment: Callable[[Cloud], dict[str, str]],
    ) -> None:
        self._home = home
        self._numbers = numbers
        self._environment = environment
        self.processes: list[SchedulerProcess] = []
        self.database = database
        self.cloud = cloud

    def __enter__(self) -> Self:
        self.cloud.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
        self.cloud.__exit__(kind, error, trace)
        self.database.__exit__(kind, error, trace)

    def environment(self) -> dict[str, str]:
        """Return the environment of Airflow's processes."""
        own = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database.url}
        return {**self._environment(self.cloud), **own}

    def start_scheduler(self, *, slots: bool = False, python: str = sys.executable) -> SchedulerProcess:
        """Start a scheduler on the database; ``python`` is the interpreter that has its executor."""
        name = f"scheduler-{next(self._numbers)}"
        process = SchedulerProcess(self._home.path, name, self.environment(), slots=slots, python=python)
        self.processes.append(process)
        return process

    def preload(self, executor: str, count: int, recorded: float) -> None:
        """Start containers of a scheduler that is gone; see ``Stage.play``."""
        if not count:
            return
        arns = self.cloud.preload(
            [
                {"name": f"{run_id_of(n)}/{task_id_of(n)}", "started_by": f"airflow/{launch_id_of(n)}"}
                for n in range(count)
            ]
        )
        known = round(count * recorded)
        other = launch_id_of if executor == "ours" else lambda _: None
        self.database.give_to_a_dead_scheduler(
            [
                (n, "running" if n < known else "queued", arns[n] if n < known else other(n))
                for n in range(count)
            ]
        )

    def arrive(self, arrivals: list[list[float]], first: int) -> Arrivals:
        """Make tasks due from now on, numbered from ``first``."""
        for process in self.processes:
            process.say("started")
        coming = Arrivals(self.database, arrivals, first)
        coming.start()
        return coming

    def record(self, found: list[dict[str, Any]], started: float) -> Record:
        """Return one record of the schedulers, AWS and the database."""
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
