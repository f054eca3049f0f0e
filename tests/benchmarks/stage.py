"""Where scenarios play: one cloud and one scheduler for each executor, one after the other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.drives import Home, Record, Run
from benchmarks.scheduler import Drive
from benchmarks.workloads import launch_id_of, name_of

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

EXECUTORS = ("ours", "peer")


class Stage:
    """Plays; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self._home = Home()
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._home.close()

    def play(  # noqa: PLR0913  what a drive is made of
        self,
        executor: str,
        setup: CloudSetup,
        *,
        payloads: bool = True,
        options: dict[str, str] | None = None,
        preload: int = 0,
        recorded: float = 1.0,
        **drive: Any,
    ) -> Record:
        """Play one drive to its end.

        Args:
            executor: ours or peer.
            setup: the cloud's.
            payloads: whether ours puts workloads into S3.
            options: more options of ``[fargate]``.
            preload: containers that run already when the scheduler starts; it is offered them for adoption.
            recorded: the share of them whose ARN the database knows; of the rest it knows the launch id.
            drive: see ``Drive``.
        """
        with Cloud(setup) as cloud:
            adopt = self._preload(cloud, executor, preload, recorded)
            run = self._run(cloud, executor, options, payloads=payloads, adopt=adopt, first=preload, **drive)
            run.wait_until_prepared()
            cloud.open()
            run.go()
            return _record(run.finish(), cloud)

    def play_together(
        self, setup: CloudSetup, options: dict[str, str], each: int, **drive: Any
    ) -> list[Record]:
        """Play two of our schedulers at once on one queue, with ``each`` tasks each."""
        with Cloud(setup) as cloud:
            runs = [
                self._run(cloud, "ours", options, first=first, arrivals=[[0, each]], **drive)
                for first in (0, each)
            ]
            for run in runs:
                run.wait_until_prepared()
            cloud.open()
            for run in runs:
                run.go()
            ended = [run.finish() for run in runs]
            return [_record(each, cloud) for each in ended]

    def play_killed(
        self, executor: str, setup: CloudSetup, tasks: int, options: dict[str, str], seconds: float
    ) -> tuple[Record, int]:
        """Kill a scheduler half-way through its launches; a second one adopts.

        Returns:
            The second one's record, and how many containers there were when the first was killed.
        """
        with Cloud(setup) as cloud:
            first = self._run(cloud, executor, options, arrivals=[[0, tasks]], seconds=seconds)
            first.wait_until_prepared()
            cloud.open()
            first.go()
            first.kill_when(lambda: cloud.count() >= tasks // 2)
            launched = cloud.record()["tasks"]
            adopt = _left_by(first, cloud, executor, tasks)
            second = self._run(cloud, executor, options, adopt=adopt, seconds=seconds)
            second.wait_until_prepared()
            second.go()
            return _record(second.finish(), cloud), len(launched)

    def play_killed_beside(self, setup: CloudSetup, each: int, seconds: float) -> tuple[Record, int, Record]:
        """Two of our schedulers with ``each`` tasks; the first is killed half-way, a third adopts its tasks.

        Returns:
            The heir's record, how many containers there were at the kill, the survivor's record.
        """
        with Cloud(setup) as cloud:
            runs = [
                self._run(cloud, "ours", {}, first=first, arrivals=[[0, each]], seconds=seconds)
                for first in (0, each)
            ]
            for run in runs:
                run.wait_until_prepared()
            cloud.open()
            for run in runs:
                run.go()
            runs[0].kill_when(lambda: cloud.count() >= each)
            launched = len(cloud.record()["tasks"])
            heir = self._run(cloud, "ours", {}, adopt=_left_by(runs[0], cloud, "ours", each), seconds=seconds)
            heir.wait_until_prepared()
            heir.go()
            survived, inherited = runs[1].finish(), heir.finish()
            return _record(inherited, cloud), launched, _record(survived, cloud)

    def _run(
        self,
        cloud: Cloud,
        executor: str,
        options: dict[str, str] | None,
        *,
        payloads: bool = True,
        **drive: Any,
    ) -> Run:
        commits = str(self._home.path / f"commits-{next(self._numbers)}")
        environment = self._home.environment(cloud, executor, payloads=payloads, options=options or {})
        return Run(self._home, Drive(executor=executor, commits=commits, **drive), environment)

    @staticmethod
    def _preload(cloud: Cloud, executor: str, count: int, recorded: float) -> list[list[Any]]:
        tasks = [{"name": name_of(n), "started_by": f"airflow/{launch_id_of(n)}"} for n in range(count)]
        arns = cloud.preload(tasks) if tasks else []
        told = round(count * recorded)
        other = launch_id_of if executor == "ours" else lambda _: None
        return [
            [
                number,
                "running" if number < told else "queued",
                arns[number] if number < told else other(number),
            ]
            for number in range(count)
        ]


def _record(found: dict[str, Any], cloud: Cloud) -> Record:
    return Record(found["heartbeats"], found["events"], found["marks"], cloud.record(), found["event_lags"])


def _left_by(dead: Run, cloud: Cloud, executor: str, tasks: int) -> list[list[Any]]:
    """Return what the database knows of a dead scheduler's tasks, as ``Drive.adopt`` takes it."""
    known = {name: info for name, _, info in dead.committed() if info.startswith("arn:")}
    running = {each["name"] for each in cloud.record()["tasks"] if each["started"] is not None}
    return [
        [
            number,
            "running" if name_of(number) in running else "queued",
            known.get(name_of(number), launch_id_of(number) if executor == "ours" else None),
        ]
        for number in range(tasks)
    ]
