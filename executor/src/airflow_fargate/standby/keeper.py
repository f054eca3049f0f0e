"""Keeps each queue's standbys at their number: lists, starts, and dismisses them.

Idle standbys belong to no scheduler. Every scheduler lists all of them and may offer a launch to any that can
run it; S3 decides which offer is first.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.aws import ecs, prices
from airflow_fargate.aws.ecs_task import RUNNING, EcsTask, parse_task
from airflow_fargate.aws.rate_limiter import TokenBucket
from airflow_fargate.launching.request import DEPLOYMENT_TAG
from airflow_fargate.standby import protocol
from airflow_fargate.standby.pool import Standby
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity
from airflow_fargate.tasks.registry import STANDBY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.clock import Clock
    from airflow_fargate.fleet.threads import Health
    from airflow_fargate.launching.launch_queue import LaunchQueue
    from airflow_fargate.launching.request import RunRequestBuilder
    from airflow_fargate.metrics import Metrics
    from airflow_fargate.settings.standby_plans import Plan
    from airflow_fargate.settings.task_options import TaskOptions
    from airflow_fargate.standby.pool import Pool
    from airflow_fargate.standby.store import Objects

log = logging.getLogger(__name__)

STANDBY_TAG = "airflow-fargate:standby"
QUEUE_TAG = "airflow-fargate:standby-queue"
FINGERPRINT_TAG = "airflow-fargate:standby-fingerprint"
TAKEN_TAG = "airflow-fargate:launch-id"

LIST_SECONDS = 15.0
TEND_SECONDS = 5.0
DEFINITION_SECONDS = 60.0
SURPLUS_SECONDS = 120.0
"""How long there must be too many standbys before the surplus is dismissed."""
_BLIND_SECONDS = 30.0
"""How long a new task may be missing from ListTasks."""
_DEATHS = 3
_PAUSE_SECONDS, _LONGEST_PAUSE = 600.0, 14_400.0
_DESCRIBED = 100
_STALLED_SECONDS = 1.0


@dataclass
class _Queue:
    """The keeper's state of one queue."""

    plan: Plan
    fingerprint: str = ""
    definition: str = ""
    definition_at: float = float("-inf")
    starting: int = 0
    surplus_since: float | None = None
    deaths: int = 0
    pause: float = _PAUSE_SECONDS
    paused_until: float = float("-inf")
    launched: dict[str, float] = field(default_factory=dict)
    """Standbys that were started here and have not been idle yet -> when they were started."""


class Keeper:
    """Keeps the standbys; one thread.

    Args:
        clients: returns boto3 clients.
        builder: builds requests; its configuration is the fleet's.
        plans: queue -> how many standbys.
        options: returns a queue's task options.
        fingerprint: returns a request's fingerprint.
        objects: the protocol's objects.
        pool: the idle standbys.
        queue: knows whether a launch waits.
        clock: monotonic and wall-clock time.
        may_act: returns whether this scheduler's loop still runs.
        health: records failures.
        measured: collects metrics.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        clients: ClientSource,
        builder: RunRequestBuilder,
        plans: Mapping[str, Plan],
        options: Callable[[str], TaskOptions],
        fingerprint: Callable[[Mapping[str, Any]], str],
        objects: Objects,
        pool: Pool,
        queue: LaunchQueue,
        clock: Clock,
        may_act: Callable[[], bool],
        health: Health,
        measured: Metrics,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._clients, self._builder, self._config = clients, builder, builder.config
        self._options, self._fingerprint = options, fingerprint
        self._objects, self._pool, self._queue = objects, pool, queue
        self._clock, self._may_act = clock, may_act
        self._health, self._metrics, self._new_id = health, measured, new_id
        self._queues = {name: _Queue(plan) for name, plan in plans.items()}
        self._rate = TokenBucket(self._config.run_task_rate / 4, 1, clock.monotonic())
        self._began_at = clock.time()
        self._listed_at = float("-inf")
        self._alive: set[str] = set()
        self._etags: dict[str, str] = {}
        self._running: dict[str, float] = {}
        self._costs: dict[str, float] = {}

    def is_current(self, standby: Standby) -> bool:
        """Return whether a standby's task definition is the newest that is known."""
        queue = self._queues.get(standby.queue)
        return queue is None or not queue.definition or queue.definition == standby.definition

    def run_one(self) -> float:
        """List if it is time to; start or dismiss one standby; return the seconds until the next step.

        Raises:
            Exception: what boto3 raises.
        """
        if not self._may_act():
            return _STALLED_SECONDS
        now = self._clock.monotonic()
        if now - self._listed_at >= LIST_SECONDS:
            for name, queue in self._queues.items():
                self._look_at_definition(name, queue, now)
            self._list(now)
            self._listed_at = now
        for name, queue in self._queues.items():
            if self._tend(name, queue, now):
                return 0.0
        return min(TEND_SECONDS, max(0.1, self._rate.wait(now)) if self._lacks(now) else TEND_SECONDS)

    # --- looking -------------------------------------------------------------------------------------------

    def _look_at_definition(self, name: str, queue: _Queue, now: float) -> None:
        """Find out which revision a launch would get, once a minute."""
        request = self._request(name, "00000000-0000-4000-8000-000000000000", "")
        queue.fingerprint = self._fingerprint(request)
        if now - queue.definition_at < DEFINITION_SECONDS:
            return
        queue.definition_at = now
        try:
            answer = self._clients("ecs").describe_task_definition(taskDefinition=request["taskDefinition"])
            queue.definition = str(answer["taskDefinition"]["taskDefinitionArn"])
        except Exception as error:  # noqa: BLE001  without it, standbys are offered whatever their revision
            self._health.failed(
                "standby revisions", error, doing="looking for the task definition's revision"
            )
        else:
            self._health.works("standby revisions")

    def _list(self, now: float) -> None:
        found, alive = [], set()
        seen = dict.fromkeys(self._queues, 0)
        for task, tags, definition in self._standbys():
            standby, name = tags.get(STANDBY_TAG, ""), tags.get(QUEUE_TAG, "")
            alive.add(standby)
            if not standby or TAKEN_TAG in tags or self._pool.is_used(standby):
                continue
            if task.last_status != RUNNING:
                if name in seen and tags.get(FINGERPRINT_TAG) == self._queues[name].fingerprint:
                    seen[name] += 1
                continue
            if (idle := self._look_at(standby, task, tags, definition, now)) is None:
                continue
            if self._is_foreign(idle, task):
                self._dismiss(idle, "the configuration or the task definition has changed")
                continue
            found.append(idle)
        self._pool.show(found)
        self._alive = alive
        for name, queue in self._queues.items():
            queue.starting = seen[name]
            self._count_deaths(name, queue, {each.id for each in found}, alive, now)
        for known in (self._etags, self._running, self._costs):
            for gone in [each for each in known if each not in alive]:
                del known[gone]

    def _standbys(self) -> Iterator[tuple[EcsTask, dict[str, str], str]]:
        client, cluster = self._clients("ecs"), self._config.cluster
        arns: list[str] = []
        token = ""
        while True:
            page: dict[str, Any] = {"nextToken": token} if token else {}
            listed = client.list_tasks(
                cluster=cluster, startedBy=f"{self._config.deployment}/{STANDBY}", **page
            )
            arns += listed.get("taskArns") or ()
            token = str(listed.get("nextToken") or "")
            if not token:
                break
        for start in range(0, len(arns), _DESCRIBED):
            chunk = arns[start : start + _DESCRIBED]
            answer = client.describe_tasks(cluster=cluster, tasks=chunk, include=["TAGS"])
            for task in answer.get("tasks") or ():
                tags = {each["key"]: each["value"] for each in task.get("tags") or ()}
                yield parse_task(task), tags, str(task.get("taskDefinitionArn") or "")

    def _look_at(
        self, standby: str, task: EcsTask, tags: Mapping[str, str], definition: str, now: float
    ) -> Standby | None:
        """Return a running standby if its offer is open."""
        if standby not in self._etags:
            self._etags[standby] = self._objects.open_offer(standby)
        if not self._etags[standby]:
            self._pool.take(standby)  # Somebody else has used it.
            return None
        since = self._running.setdefault(standby, now - max(0.0, self._age(task)))
        if standby in self._costs:
            cost = prices.cost(task, self._clock.time())
            spent, self._costs[standby] = cost - self._costs[standby], cost
            self._metrics.count(metrics.STANDBY_COST, round(1e6 * spent), queue=tags.get(QUEUE_TAG, ""))
        queue, prints = tags.get(QUEUE_TAG, ""), tags.get(FINGERPRINT_TAG, "")
        return Standby(standby, task.arn, queue, prints, definition, self._etags[standby], since)

    def _age(self, task: EcsTask) -> float:
        return self._clock.time() - (task.at("startedAt") or self._clock.time())

    def _is_foreign(self, standby: Standby, task: EcsTask) -> bool:
        """Return whether nobody will offer it anything: old, and not another scheduler's in a rolling deploy.

        While two releases run side by side, each dismisses only what was there before it.
        """
        queue = self._queues.get(standby.queue)
        if queue is not None and queue.definition and _is_older(standby.definition, queue.definition):
            return True
        foreign = queue is None or standby.fingerprint != queue.fingerprint
        return foreign and (task.at("createdAt") or float("inf")) < self._began_at

    def _count_deaths(self, name: str, queue: _Queue, idle: set[str], alive: set[str], now: float) -> None:
        for standby, at in list(queue.launched.items()):
            if standby in idle or self._pool.is_used(standby):
                del queue.launched[standby]
                queue.deaths, queue.pause = 0, _PAUSE_SECONDS
                self._health.works(f"standbys of {name}")
            elif standby not in alive and now - at >= _BLIND_SECONDS:
                del queue.launched[standby]
                self._died(name, queue, RuntimeError("A standby stopped before it was ready."), now)

    def _died(self, name: str, queue: _Queue, error: Exception, now: float) -> None:
        queue.deaths += 1
        if queue.deaths < _DEATHS:
            return
        queue.deaths, queue.paused_until = 0, now + queue.pause
        log.error(
            "Standbys of queue %s: %d in a row did not become ready. None is started for %.0f minutes: %s",
            name,
            _DEATHS,
            queue.pause / 60,
            error,
        )
        queue.pause = min(_LONGEST_PAUSE, 2 * queue.pause)
        self._health.failed(f"standbys of {name}", error, doing="starting standbys")

    # --- tending -------------------------------------------------------------------------------------------

    def _lacks(self, now: float) -> bool:
        return any(self._missing(name, queue, now) > 0 for name, queue in self._queues.items())

    def _missing(self, name: str, queue: _Queue, now: float) -> int:
        if now < queue.paused_until:
            return 0
        unlisted = sum(each not in self._alive for each in queue.launched)
        there = len(self._idle(name, queue)) + queue.starting + unlisted
        return queue.plan.target(self._clock.time()) - there

    def _idle(self, name: str, queue: _Queue) -> list[Standby]:
        return [each for each in self._pool.idle(name) if each.fingerprint == queue.fingerprint]

    def _tend(self, name: str, queue: _Queue, now: float) -> bool:
        """Start or dismiss one; return whether it did."""
        missing = self._missing(name, queue, now)
        tags = {"queue": name}
        self._metrics.gauge(metrics.STANDBYS_IDLE, len(self._idle(name, queue)), **tags)
        self._metrics.gauge(metrics.STANDBYS_STARTING, queue.starting, **tags)
        self._metrics.gauge(metrics.STANDBYS_TARGET, queue.plan.target(self._clock.time()), **tags)
        if missing >= 0:
            queue.surplus_since = None
        elif queue.surplus_since is None:
            queue.surplus_since = now
        elif now - queue.surplus_since >= SURPLUS_SECONDS and (idle := self._idle(name, queue)):
            self._dismiss(idle[0], "surplus")
            return True
        return missing > 0 and self._rate.wait(now) <= 0 and self._start(name, queue, now)

    def _start(self, name: str, queue: _Queue, now: float) -> bool:
        """Start one standby unless a launch waits; return whether a call was made."""
        standby = self._new_id()
        request = self._request(name, standby, self._objects.reference(standby))
        if not self._queue.take_spare(self._builder.capacity(self._attempt(name, standby, ""))):
            return False
        self._rate.take(now)
        settings = {
            "poll": self._config.standby_poll,
            "idle": self._config.standby_idle_timeout,
            "preload": list(self._config.standby_preload),
        }
        self._objects.do(protocol.announce(standby, settings))
        answer = ecs.run_task(self._clients("ecs"), request)
        queue.launched[standby] = now
        if isinstance(answer, EcsTask):
            self._costs[standby] = 0.0
            log.info("Started standby %s of queue %s", answer.arn, name)
            return True
        if answer.answered:
            del queue.launched[standby]
            self._died(name, queue, RuntimeError(str(answer)), now)
            queue.paused_until = max(queue.paused_until, now + DEFINITION_SECONDS)
        return True

    def _dismiss(self, standby: Standby, why: str) -> None:
        self._pool.take(standby.id)
        self._objects.do(protocol.dismiss(standby.id, standby.etag, why))
        log.info("Dismissed standby %s: %s", standby.arn, why)

    def _attempt(self, name: str, standby: str, reference: str) -> Attempt:
        identity = TaskIdentity("standby", name, standby, 1)
        command = ("airflow", "fargate", "standby", reference or "s3://-")
        launch = Launch(("standby", standby), standby, 0, identity, self._options(name), command)
        return Attempt(launch, number=0, capacity=0, deadline=0.0)

    def _request(self, name: str, standby: str, reference: str) -> dict[str, Any]:
        """Return the request of a standby: a task of this queue with another command and other tags."""
        return standby_request(
            self._builder, self._attempt(name, standby, reference), name, self._fingerprint
        )


def standby_request(
    builder: RunRequestBuilder, attempt: Attempt, queue: str, fingerprint: Callable[[Mapping[str, Any]], str]
) -> dict[str, Any]:
    """Return the RunTask request of a standby.

    Args:
        builder: builds the request of a task.
        attempt: a launch whose command is ``airflow fargate standby REFERENCE``.
        queue: whose standby it is.
        fingerprint: returns a request's fingerprint.
    """
    request = builder.build(attempt, list(attempt.launch.command or ()))
    request["startedBy"] = f"{builder.config.deployment}/{STANDBY}"
    own = {
        STANDBY_TAG: attempt.launch.launch_id,
        QUEUE_TAG: queue,
        FINGERPRINT_TAG: fingerprint(request),
    }
    kept = [
        each
        for each in request["tags"]
        if not each["key"].startswith("airflow-fargate:") or each["key"] == DEPLOYMENT_TAG
    ]
    request["tags"] = kept + [{"key": key, "value": value} for key, value in own.items()]
    return request


def _is_older(definition: str, than: str) -> bool:
    family, _, revision = definition.rpartition(":")
    newest, _, number = than.rpartition(":")
    return family == newest and revision.isdigit() and number.isdigit() and int(revision) < int(number)
