"""Faults on real sockets: the real executor in its own process, with its threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import figures
from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.runs import wait_for
from benchmarks.stage import Scene, Stage
from chaos.stage import Sums
from chaos.wire import Trouble, Wire

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from benchmarks.metadata import Metadata

ECS, SQS, S3 = (b"AmazonEC2ContainerService",), (b"AmazonSQS",), (b"PUT /payloads",)
OPTIONS = {"RECONCILE_INTERVAL": "5"}


@dataclass(frozen=True)
class WireScenario:
    """One trouble over HTTP. Every task succeeds, or it is wrong.

    name, fault, source: words. troubles: of the wire. kill: whether the scheduler is killed half-way, with a
    second one adopting. stop: seconds for which the process is stopped (SIGSTOP). faults: of the cloud.
    seconds: how long it may take. seed: of the chances of cloud and wire.
    """

    name: str
    fault: str
    source: str
    troubles: tuple[Trouble, ...] = ()
    kill: bool = False
    stop: float = 0.0
    faults: list[dict[str, Any]] = field(default_factory=list)
    tasks: int = 40
    run: tuple[float, float] = (3.0, 8.0)
    seconds: float = 150.0
    seed: int = 0


WIRES = (
    WireScenario(
        "hung requests",
        "a third of ECS's requests hang forever",
        "boto3 read timeout",
        (Trouble("hang", ECS, 0.3, until=30),),
    ),
    WireScenario(
        "hung answers",
        "a third of RunTask's answers hang forever, their work done",
        "clientToken",
        (Trouble("hang after", ECS, 0.3, until=30),),
    ),
    WireScenario(
        "everything hangs", "every connection hangs for 20 s", "#35412", (Trouble("hang", until=20),)
    ),
    WireScenario("slow", "every answer takes two seconds to arrive", "#34381", (Trouble("slow", until=40),)),
    WireScenario(
        "resets",
        "a third of the connections are reset, before or after the work",
        "retry rule",
        (Trouble("reset", probability=0.15, until=30), Trouble("reset after", probability=0.2, until=30)),
    ),
    WireScenario(
        "cut answers",
        "a third of the answers end in the middle",
        "retry rule",
        (Trouble("cut", probability=0.3, until=30),),
    ),
    WireScenario(
        "a captive portal",
        "a third of the requests are answered with HTML",
        "retry rule",
        (Trouble("lie", probability=0.3, until=30),),
    ),
    WireScenario(
        "nobody listens",
        "connections are refused for 15 s",
        "#35412",
        (Trouble("refuse", after=1, until=16),),
    ),
    WireScenario("SQS hangs", "the queue never answers", "#20466", (Trouble("hang", SQS),)),
    WireScenario(
        "S3 hangs", "a third of the payloads hang", "payloads in S3", (Trouble("hang", S3, 0.3, until=20),)
    ),
    WireScenario(
        "killed behind resets",
        "SIGKILL half-way, half of RunTask's answers reset",
        "#35491",
        (Trouble("reset after", ECS, 0.5, until=20),),
        kill=True,
        run=(20.0, 30.0),
    ),
    WireScenario("stopped", "SIGSTOP for 20 s in the middle of the burst", "clock", stop=20.0),
    WireScenario(
        "errors and resets",
        "the faults of the benchmark and of the wire together",
        "benchmarks: faults",
        (Trouble("reset after", probability=0.05), Trouble("hang after", ECS, 0.03, until=40)),
        faults=[
            {"kind": "server_error_after", "probability": 0.05},
            {"kind": "lost", "probability": 0.02},
            {"kind": "throttle", "probability": 0.02},
            {"kind": "capacity", "probability": 0.03},
        ],
        tasks=100,
    ),
)
QUICK = ("resets", "killed behind resets")


class WiredCloud(Cloud):
    """A cloud that schedulers reach through the wire; its own pages stay reachable."""

    def __init__(self, setup: CloudSetup, database: str, troubles: tuple[Trouble, ...]) -> None:
        super().__init__(setup, database)
        self._troubles = troubles
        self.wire: Wire

    def __enter__(self) -> Self:
        super().__enter__()
        self._direct = self.endpoint
        self.wire = Wire(self._direct, self._troubles, self._setup.seed).__enter__()
        self.endpoint = self.wire.endpoint
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wire.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)

    def call(self, page: str, document: dict[str, Any] | None = None) -> Any:
        """See Cloud."""
        wired, self.endpoint = self.endpoint, self._direct
        try:
            return super().call(page, document)
        finally:
            self.endpoint = wired

    def open(self) -> None:
        """See Cloud; also start the faults of the wire."""
        super().open()
        self.wire.open()


def play_wire(scenario: WireScenario, metadata: Metadata | None = None) -> Sums:
    """Run one to its end, under Airflow's own scheduler.

    Args:
        scenario: what goes wrong.
        metadata: a PostgreSQL server to share with other runs; None for one of its own.
    """
    clouds: list[WiredCloud] = []

    def make_cloud(setup: CloudSetup, database: str) -> Cloud:
        clouds.append(WiredCloud(setup, database, scenario.troubles))
        return clouds[-1]

    def pause(scene: Scene) -> None:
        wait_for("launched", scenario.tasks // 2, scene.database, scene.cloud, scenario.seconds)
        scene.processes[0].pause(scenario.stop)

    setup = CloudSetup(run=list(scenario.run), faults=scenario.faults, seed=scenario.seed)
    with Stage(metadata, make_cloud) as stage:
        if scenario.kill:
            record, _ = stage.play_killed("ours", setup, scenario.tasks, scenario.seconds, options=OPTIONS)
        else:
            record = stage.play(
                "ours",
                setup,
                arrivals=[[0, scenario.tasks]],
                seconds=scenario.seconds,
                options=OPTIONS,
                during=pause if scenario.stop else None,
            )
    found = figures.outcomes(record, scenario.tasks)
    injected = sum(count for kind, count in record.cloud["injected"].items() if kind != "limit")
    # The database keeps a worker's success; what the executor reported counts as well.
    failed = len({name for _, name, state, _ in record.events if state == "failed"})
    return Sums(
        tasks=scenario.tasks,
        injected=injected + clouds[0].wire.struck + bool(scenario.stop) + scenario.kill,
        succeeded=found["succeeded"],
        failed=max(failed, found["wrongly_failed"]),
        duplicates=found["duplicates"],
        lost=found["lost"],
        wrongly_failed=max(failed, found["wrongly_failed"]),
        leaked=found["slots_left"],
    )
