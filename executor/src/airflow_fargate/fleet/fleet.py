"""The containers of one Airflow scheduler: connects the queue, the launchers, the trackers and the registry.

Knows nothing about Airflow. The scheduler's thread calls the public methods. Only :meth:`Fleet.start`,
:meth:`Fleet.stop_all` and :meth:`Fleet.end` do I/O, each within a time limit.
"""

from __future__ import annotations

import logging
import queue
import threading
from random import SystemRandom
from typing import TYPE_CHECKING

from airflow_fargate import metrics
from airflow_fargate.aws.ecs import DESCRIBE_LIMIT
from airflow_fargate.aws.logs import ContainerLogs
from airflow_fargate.aws.rate_limiter import RateLimiter
from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.fleet.lease import DEFAULT_SECONDS, Lease, Renewal
from airflow_fargate.fleet.status import THE_SCHEDULER, Scheduler, Status
from airflow_fargate.fleet.threads import Health, StepThread
from airflow_fargate.launching.launch_queue import LaunchQueue
from airflow_fargate.launching.launcher import Launcher, RetryPolicy
from airflow_fargate.launching.payload import store_for
from airflow_fargate.launching.request import Hook, RunRequestBuilder, request_faults
from airflow_fargate.metrics import Metrics
from airflow_fargate.settings.task_options import NO_OPTIONS
from airflow_fargate.standby.fates import Fates
from airflow_fargate.standby.standbys import OFFER_THREADS, Standbys
from airflow_fargate.standby.store import Objects
from airflow_fargate.tasks.messages import (
    Accepted,
    Decision,
    Finish,
    LaunchAgain,
    Message,
    Release,
    Report,
    Seen,
    Stop,
    Waiting,
)
from airflow_fargate.tasks.registry import Registry
from airflow_fargate.tasks.verdict import Outcome, Verdict
from airflow_fargate.tracking import reconciler
from airflow_fargate.tracking.explainer import Explainer
from airflow_fargate.tracking.listener import Listener
from airflow_fargate.tracking.reconciler import Reconciler
from airflow_fargate.tracking.stopper import Stopper

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.clock import Clock
    from airflow_fargate.settings.config import FargateConfig
    from airflow_fargate.settings.task_options import TaskOptions
    from airflow_fargate.tasks.launch import Launch
    from airflow_fargate.tasks.states import TrackedTask

log = logging.getLogger(__name__)

_ASKED_PER_SYNC = 1000
SYNC_BUDGET_SECONDS = 0.05
"""How long one sync applies messages; the rest waits for the next one. Airflow's loop may sleep for
``[scheduler] scheduler_idle_sleep_time`` in between, so this is long enough for about a thousand."""
FATE_THREADS = 2
Notice = Report | Finish | Release | Waiting | LaunchAgain
"""A decision that the executor passes on to Airflow."""


class Fleet:
    """The containers of one scheduler.

    Args:
        config: the ``[fargate]`` section.
        clients: returns boto3 clients.
        clock: monotonic and wall-clock time.
        hook: what ``execution_config_function`` returned, or None.
        lease_seconds: how long after a sync the threads may act: half of the time after which Airflow lets
            another scheduler adopt the tasks.
        adopted_elsewhere: returns the keys, of those given, whose tasks another scheduler adopted. Called
            after a stall, on the scheduler's thread.
        queue_options: returns the options of a task of a queue that has none of its own.
        version: of Airflow, this package and the payload.
        scheduler: whose containers they are, for people.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        config: FargateConfig,
        clients: ClientSource,
        clock: Clock,
        hook: Hook | None,
        lease_seconds: float = DEFAULT_SECONDS,
        adopted_elsewhere: Callable[[Sequence[Hashable]], Iterable[Hashable]] = lambda _: (),
        queue_options: Callable[[str], TaskOptions] = lambda _: NO_OPTIONS,
        version: str = "",
        scheduler: Scheduler = THE_SCHEDULER,
    ) -> None:
        self.config = config
        self.lease = Lease(lease_seconds, clock.monotonic)
        self._clients = clients
        self._clock = clock
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._reconciled_at = float("-inf")
        self.health = Health(log)
        self._renewal = Renewal(self.lease, adopted_elsewhere, self.health)
        self.metrics = Metrics()
        self.registry = Registry(config.container_name, config.deployment, clock.monotonic)
        builder = RunRequestBuilder(config, hook, request_faults)
        limiter = RateLimiter(
            config.run_task_rate,
            config.run_task_burst,
            config.launch_rate,
            config.launch_burst,
            clock.monotonic(),
        )
        self.launch_queue = LaunchQueue(limiter, builder.capacity, clock.monotonic, self.lease.is_held)
        self.launcher = Launcher(
            clients,
            builder,
            store_for(clients, config.payload_bucket, config.payload_prefix),
            self.launch_queue,
            RetryPolicy(SystemRandom().random),
            clock.monotonic,
            self._inbox.put,
            self.lease.is_held,
            self.metrics,
        )
        self.reconciler = Reconciler(
            clients, config.cluster, self.registry.started_by, clock.monotonic, self._inbox.put
        )
        self.stopper = Stopper(clients, config.cluster, self.lease.is_held)
        self.listener = (
            Listener(
                clients,
                config.event_queue_url,
                self.registry.tracks,
                self.registry.is_from_this_deployment,
                clock.time,
                self._inbox.put,
                self.lease.is_held,
                self.metrics,
            )
            if config.event_queue_url
            else None
        )
        logs = ContainerLogs(clients, config.log_group, config.log_stream_prefix, config.container_name)
        self.explainer = Explainer(logs, clock.monotonic)
        self.status = Status(self, clients, clock, scheduler)
        self.standbys: Standbys | None = None
        self.fates: Fates | None = None
        if config.payload_bucket:
            objects = Objects(clients, config.payload_bucket, config.standby_root)
            self.fates = Fates(
                objects, self.reconciler.ask, clock.monotonic, self._inbox.put, is_on=bool(config.standby)
            )
            if config.standby:
                self.standbys = Standbys(
                    clients,
                    builder,
                    queue_options,
                    version,
                    objects,
                    self.launch_queue,
                    clock,
                    self._inbox.put,
                    self.launcher.submit,
                    self.stopper.ask,
                    self.lease.is_held,
                    self.health,
                    self.metrics,
                )
        self._launcher_threads = [
            StepThread(
                f"launcher-{n}", "launching", self.launcher.run_one, self.health, self.launch_queue.wait
            )
            for n in range(config.threads)
        ]
        self._other_threads = [
            StepThread("reconciler", "describing tasks", self.reconciler.run_one, self.health),
            StepThread("stopper", "stopping tasks", self.stopper.run_one, self.health),
            StepThread("explainer", "reading logs", self.explainer.run_one, self.health),
        ]
        if self.listener is not None:
            self._other_threads.extend(
                StepThread(f"listener-{n}", "receiving events", self.listener.receive, self.health)
                for n in range(config.listeners)
            )
        if config.payload_bucket:
            # With a record of its own: a status that cannot be written is no failing part of the executor.
            writes = self.status.run_one, Health(log)
            self._other_threads.append(StepThread("status", "writing the status for the page", *writes))
        self._other_threads.extend(self._standby_threads())

    def _standby_threads(self) -> Iterator[StepThread]:
        if (fates := self.fates) is not None:
            doing = "reading what became of adopted launches"
            for n in range(FATE_THREADS):
                yield StepThread(f"fates-{n}", doing, fates.run_one, self.health)
        if (standbys := self.standbys) is not None:
            yield StepThread("standbys", "keeping standbys", standbys.keeper.run_one, self.health)
            offers = standbys.offers
            for n in range(OFFER_THREADS):
                yield StepThread(
                    f"offers-{n}", "offering tasks to standbys", offers.run_one, self.health, offers.wait
                )

    def start(self) -> None:
        """Start the threads."""
        self.lease.renew()
        for thread in (*self._launcher_threads, *self._other_threads):
            thread.start()
        threading.Thread(target=self.warm_up, name="fargate-warm-up", daemon=True).start()

    def warm_up(self) -> None:
        """Load boto3, its clients and their models before the first burst. Makes no call.

        It takes half a second that would hold the interpreter's lock, and delay a heartbeat.
        """
        request_faults({})
        for service in ("ecs", "s3") if self.config.payload_bucket else ("ecs",):
            try:
                self._clients(service)
            except Exception as error:  # noqa: BLE001  the first call that needs it reports it
                log.debug("The client of %s could not be made yet: %r", service, error)

    # --- from Airflow --------------------------------------------------------------------------------------

    def launch(self, launch: Launch) -> None:
        """Launch a workload as soon as the rate limits allow."""
        deadline = self._clock.monotonic() + self.config.launch_timeout
        attempt = self.registry.launch(launch, deadline)
        if self.standbys is None or not self.standbys.submit(attempt):
            self.launcher.submit(attempt)

    def adopt(  # noqa: PLR0913, PLR0917  one argument per fact
        self,
        key: Hashable,
        launch_id: str,
        arn: str = "",
        launch: Launch | None = None,
        subject: Hashable = None,
        unlaunchable: str = "",
    ) -> None:
        """Adopt another scheduler's task; see :meth:`Registry.adopt`."""
        deadline = self._clock.monotonic() + self.config.launch_timeout
        self.registry.adopt(key, launch_id, arn, launch, deadline, subject, unlaunchable)

    def revoke(self, key: Hashable, reason: str) -> None:
        """Stop a task's container; of its end, only the reason is reported."""
        self.explainer.note_known(key)
        self._carry_out(self.registry.revoke(key, reason))

    def supersede(self, subject: Hashable, key: Hashable) -> list[Hashable]:
        """Revoke earlier tries, because ``key`` is queued; return the keys whose slots are now free."""
        decisions = self._carry_out(self.registry.supersede(subject, key))
        return [each.key for each in decisions if isinstance(each, Release)]

    def stop_all(self, reason: str) -> None:
        """Stop every tracked container, on this thread, because the process may exit afterwards.

        Returns after the first call that AWS rejects, or after ``end_timeout``; the stopper thread continues.
        """
        for task in self.registry:
            self.revoke(task.key, reason)
        deadline = self._clock.monotonic() + self.config.end_timeout
        while self._clock.monotonic() < deadline and self.stopper.run_one() == 0:
            pass

    def sync(self) -> list[Notice]:
        """Apply the threads' messages; return the notices for Airflow. No I/O, except after a stall."""
        notices: list[Notice] = list(self._renew_lease())
        until = self._clock.monotonic() + SYNC_BUDGET_SECONDS
        for _ in range(self._inbox.qsize()):
            message = self._inbox.get_nowait()
            self._measure(message)
            try:
                notices += self._carry_out(self.registry.apply(message))
            except Exception:
                # One bad message must not cost the others, or the scheduler.
                log.exception("A message was dropped; its task is described again later: %r", message)
            if self._clock.monotonic() > until:
                break
        notices += self.explainer.done()
        # Whatever fails below, the notices so far are returned: they are not repeated.
        try:
            self._reconcile()
            for thread in (*self._launcher_threads, *self._other_threads):
                if thread.restart_if_dead():
                    self.metrics.count(metrics.THREAD_RESTARTS)
        except Exception as error:  # noqa: BLE001  a thread that cannot be started, or a bug
            self.health.failed("sync", error, doing="checking tasks and threads")
        else:
            self.health.works("sync")
        return notices

    def end(self) -> None:
        """Stop launching and finish the calls in flight, within ``end_timeout``. Stops no container.

        Workloads not launched yet stay queued in Airflow's database, and running tasks keep running; the next
        scheduler adopts both. The launchers end first, so that nothing new starts; meanwhile the stopper can
        finish the StopTask calls already requested.
        """
        deadline = self._clock.monotonic() + self.config.end_timeout
        for thread in self._launcher_threads:
            thread.stop()
        self.launch_queue.close()
        for thread in self._launcher_threads:
            if not thread.join(deadline - self._clock.monotonic()):
                log.warning("A launch is still in flight; the next scheduler will find its container.")
        for thread in self._other_threads:
            thread.stop()

    # --- inside --------------------------------------------------------------------------------------------

    def _carry_out(self, decisions: Iterable[Decision]) -> list[Notice]:
        notices: list[Notice] = []
        for decision in decisions:
            if isinstance(decision, Stop):
                self.stopper.ask(decision.arn, decision.reason)
                continue
            if isinstance(decision, LaunchAgain):
                log.info("Launching again: %s: %s", decision.attempt.launch.identity, decision.why)
                self.metrics.count(metrics.LAUNCHED_AGAIN)
                self.launcher.resubmit(decision.attempt)
            elif isinstance(decision, Finish) and self._needs_log(decision.verdict):
                self.explainer.ask(decision)
                continue
            notices.append(decision)
        return notices

    def _renew_lease(self) -> list[Release]:
        """Renew the lease; return a release for each task that another scheduler adopted during a stall."""
        adopted = self._renewal.renew(self._keys)
        for key in adopted:
            log.warning("%s was adopted by another scheduler", key)
            self.explainer.forget(key)
            self.registry.disown(key)
        return [Release(key) for key in adopted]

    def _keys(self) -> list[Hashable]:
        return [*(task.key for task in self.registry if not task.revoked), *self.explainer]

    def _measure(self, message: Message) -> None:
        try:
            if isinstance(message, Accepted):
                self.status.seen(message.ecs_task, ended=False)
            elif isinstance(message, Seen):
                self._measure_ecs_task(message)
        except Exception:
            log.exception("A task's metrics could not be recorded: %r", message)

    def _measure_ecs_task(self, message: Seen) -> None:
        news = self.registry.is_news(message.ecs_task)
        if message.described and news:
            self.metrics.count(metrics.RECONCILE_FINDS)
        elif not message.described and not news:
            self.metrics.count(metrics.STALE)
        ended = message.ecs_task.decided(self.config.container_name)
        if news:
            self.status.seen(message.ecs_task, ended=ended)
        if news and ended:
            self.metrics.timeline(message.ecs_task)

    def _needs_log(self, verdict: Verdict) -> bool:
        """Return whether to fetch log lines; if the task itself failed, Airflow already has its log."""
        code = verdict.diagnosis.exit_code
        return (
            bool(self.config.log_group)
            and verdict.outcome is Outcome.FAILED
            and code is not None
            and code != ExitCode.TASK_FAILED
        )

    def _reconcile(self) -> None:
        tasks = len(self.registry)
        seconds = reconciler.interval(self.config.silence, tasks, events=self.listener is not None)
        now, limit = self._clock.monotonic(), _ASKED_PER_SYNC
        if self.listener is not None and not self.registry.has_urgent():
            # One call with a hundred tasks at a time, spread over the minute: tasks that were adopted
            # together become stale together.
            if now < self._reconciled_at + reconciler.PAUSE_WITH_EVENTS:
                return
            limit = DESCRIBE_LIMIT
        stale = self.registry.stale(seconds, limit)
        self._reconciled_at = now if stale else self._reconciled_at
        if stale:
            self.reconciler.ask([task.arn for task in stale if task.arn])
            self._seek([task for task in stale if not task.arn])

    def _seek(self, tasks: list[TrackedTask]) -> None:
        """Search for adopted launches without an ARN, once it is known that no standby has them."""
        if self.fates is None:
            self.reconciler.ask([], [task.launch_id for task in tasks])
        elif tasks:
            self.fates.ask([(task.launch_id, task.attempt is not None) for task in tasks])
