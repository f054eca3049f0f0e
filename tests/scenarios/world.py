"""A fleet on a simulated AWS that a test advances: no threads, no sleeping, no real time."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from typing import Any
from uuid import UUID

from airflow_fargate.fleet.fleet import Fleet, Notice
from airflow_fargate.settings.config import FargateConfig
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.launch import Launch, TaskIdentity
from airflow_fargate.tasks.messages import Finish, LaunchAgain, Report
from airflow_fargate.tasks.verdict import Outcome
from aws_model import modelled
from local_cloud import Behaviour, ManualClock, SimulatedEngine, StaticCatalog, TaskPlane
from scenarios.outages import Outages, refusal
from scenarios.standbys import WAITS, EcsWithTags, StandbyContainers, is_standby

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
RULE = ("RUNNING", "DEPROVISIONING", "STOPPED")
"""What the rule of terraform/modules/task_events lets through."""
CONFIG = FargateConfig(
    cluster="airflow",
    task_definition="worker",
    container_name="worker",
    subnets=("subnet-1", "subnet-2"),
    security_groups=("sg-1",),
    event_queue_url=QUEUE_URL,
    payload_bucket="payloads",
    log_group="/worker",
)


class Died(BaseException):
    """Ends the thread that meets it, as ``SystemExit`` out of a library would."""


class Seconds:
    """The plane's clock as the fleet asks it; ``wall_error`` is what the machine's wall clock is wrong by."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.wall_error = 0.0

    def monotonic(self) -> float:
        return self._clock.now()

    def time(self) -> float:
        return self._clock.now() + self.wall_error


class FakeS3:
    """One bucket with conditional writes; ``fail`` is raised by the next calls."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fail: list[Exception] = []
        self._versions: dict[str, int] = {}

    def put_object(  # noqa: PLR0913  boto3's names
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str = "",  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        IfMatch: str = "",  # noqa: N803
    ) -> dict[str, str]:
        if self.fail:
            raise self.fail.pop(0)
        if (IfNoneMatch and Key in self.objects) or (IfMatch and IfMatch != self.etag(Key)):
            raise refusal("PreconditionFailed", "At least one of the pre-conditions did not hold", 412)
        self.objects[Key] = Body
        self._versions[Key] = self._versions.get(Key, 0) + 1
        return {"ETag": self.etag(Key)}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            # Without s3:ListBucket.
            raise refusal("AccessDenied", "Access Denied", 403)
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": self.etag(Key)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def etag(self, key: str) -> str:
        """Return an object's ETag, empty if there is no such object."""
        return f'"{self._versions[key]}"' if key in self.objects else ""


class FakeLogs:
    """Every container wrote the same two lines."""

    class exceptions:  # noqa: N801  boto3's name
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def get_log_events(self, *, nextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        lines = [] if nextToken else ["one", "two"]
        return {"events": [{"message": line} for line in lines], "nextForwardToken": "end"}


class World:
    """A cluster, and one scheduler's fleet in it; ``scheduler()`` adds another.

    ``told`` is all that Airflow was told, in order.
    """

    def __init__(
        self, default: Behaviour | None = None, seed: int = 0, history: int = 100_000, **changes: Any
    ) -> None:
        self.clock = ManualClock()
        self.seconds = Seconds(self.clock)
        self.outages = Outages(self.clock, seed)
        self.chance = random.Random(seed)  # noqa: S311  repeatable on purpose
        self.engine = SimulatedEngine(clock=self.clock, default=default or Behaviour(), seed=seed)
        catalog = StaticCatalog("123456789012")
        self.plane = TaskPlane(self.engine, clock=self.clock, catalog=catalog, seed=seed, history=history)
        self.catalog = catalog
        self.create_cluster()
        self.create_task_definition()
        self.s3, self.logs = FakeS3(), FakeLogs()
        self.sqs = self.plane.client("sqs", wanted=lambda event: event.task.last_status in RULE)
        self.config = replace(CONFIG, **changes)
        self.containers_inside = StandbyContainers(self)
        self.engine.choose = lambda task: WAITS if is_standby(task) else None
        self.told: list[Notice] = []
        self.numbers = 0
        self.fleet = self.scheduler()

    def scheduler(self) -> Fleet:
        clients = {
            "ecs": EcsWithTags(self, self.plane.client("ecs")),
            "sqs": self.sqs,
            "s3": self.s3,
            "logs": self.logs,
        }
        clients = {service: modelled(service, client) for service, client in clients.items()}
        return self.fleet_of(clients)

    def fleet_of(self, clients: dict[str, Any]) -> Fleet:
        """A fleet with these clients whose chances follow from the world's seed."""
        fleet = Fleet(self.config, self.outages.source(clients), self.seconds, hook=None)
        fleet.launcher._policy = replace(fleet.launcher._policy, random=self.chance.random)
        if fleet.standbys is not None:
            fleet.standbys.keeper._new_id = lambda: str(UUID(int=self.chance.getrandbits(128), version=4))
        return fleet

    def create_cluster(self) -> None:
        self.catalog.add_cluster("airflow")

    def create_task_definition(self) -> None:
        self.catalog.add_task_definition(
            family="worker",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": name, "image": name} for name in ("worker", "sidecar")],
        )

    def launch(
        self, options: TaskOptions | None = None, priority: int = 1, fleet: Fleet | None = None
    ) -> str:
        """Hand one task over; return its key."""
        self.numbers += 1
        key = f"task-{self.numbers}"
        launch = self.a_launch(key, options, priority)
        (fleet or self.fleet).launch(launch)
        return key

    def a_launch(self, key: str, options: TaskOptions | None = None, priority: int = 1) -> Launch:
        number = int(key.rpartition("-")[2])
        launch_id = f"00000000-0000-4000-8000-{number:012d}"
        return Launch(
            key,
            launch_id,
            priority,
            identity=TaskIdentity("dag", key, "run", 1),
            options=options or TaskOptions(),
            takes_standby=True,
            document=lambda: json.dumps(
                {"launch_id": launch_id, "token": "secret", "made_at": self.clock.now()}
            ),
        )

    def step(self, fleet: Fleet | None = None, *, sync: bool = True) -> None:
        """Let every thread's step run until it would wait; then sync, as a heartbeat does."""
        fleet = fleet or self.fleet
        self.containers_inside.step()
        for part in (
            *(part.run_one for part in (fleet.fates,) if part),
            *(
                part.run_one
                for part in ((fleet.standbys.offers, fleet.standbys.keeper) if fleet.standbys else ())
            ),
            fleet.launcher.run_one,
            fleet.listener.receive if fleet.listener else lambda: 1.0,
            fleet.reconciler.run_one,
            fleet.stopper.run_one,
            fleet.explainer.run_one,
        ):
            # Events of another scheduler are handed back and stay visible: once around is enough.
            rounds = 2 + self.visible() // 10 if fleet.listener and part == fleet.listener.receive else 10_000
            for _ in range(rounds):
                try:
                    if part() > 0:
                        break
                except (Exception, Died):  # noqa: BLE001  a thread logs it and goes on, or is started again
                    break
                if fleet.listener and part == fleet.listener.receive and not self.visible():
                    break
        if sync:
            self.told += fleet.sync()

    def visible(self) -> int:
        return int(self.sqs.get_queue_attributes()["Attributes"]["ApproximateNumberOfMessages"])

    def run(self, seconds: float, *fleets: Fleet, every: float = 1.0) -> None:
        """Let time pass, with a heartbeat every so often."""
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            for fleet in fleets or (self.fleet,):
                self.step(fleet)
            self.clock.advance(min(every, until - self.clock.now()))
        for fleet in fleets or (self.fleet,):
            self.step(fleet)
            self.step(fleet)

    # --- what came of it -----------------------------------------------------------------------------------

    def finished(self) -> dict[Any, list[Finish]]:
        found: dict[Any, list[Finish]] = {}
        for each in self.told:
            if isinstance(each, Finish) and not each.is_known:
                found.setdefault(each.key, []).append(each)
        return found

    def finish(self, key: str) -> Finish:
        """Return the one and only outcome of a task."""
        (only,) = self.finished()[key]
        return only

    def succeeded(self) -> int:
        return sum(each[0].verdict.outcome is Outcome.SUCCESS for each in self.finished().values())

    def reports(self, key: str) -> list[str]:
        return [each.arn for each in self.told if isinstance(each, Report) and each.key == key]

    def again(self) -> list[LaunchAgain]:
        return [each for each in self.told if isinstance(each, LaunchAgain)]

    def containers(self) -> dict[str, int]:
        """Launch id -> containers that ran, or may have."""
        found: dict[str, int] = {}
        for task in self.plane.tasks():
            launch_id = (task.started_by or "").rpartition("/")[2]
            if task.started_at is not None or task.last_status != "STOPPED":
                found[launch_id] = found.get(launch_id, 0) + 1
        return found
