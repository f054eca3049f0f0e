"""FargateExecutor: translates between Airflow's scheduler and the fleet. No logic and no I/O of its own."""

from __future__ import annotations

import importlib
import logging
import time
from collections import deque
from socket import gethostname
from typing import TYPE_CHECKING, Any

from airflow_fargate import __version__, airflow_versions, cli
from airflow_fargate.airflow_versions.base_executor import VersionedExecutor
from airflow_fargate.aws.clients import BotoClients
from airflow_fargate.aws.logs import RunningTaskLog, shared_clients
from airflow_fargate.clock import SystemClock
from airflow_fargate.errors import ConfigurationError, TaskOptionsError
from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.fleet.adoption import adopt
from airflow_fargate.fleet.fleet import Fleet
from airflow_fargate.fleet.status import Scheduler
from airflow_fargate.metrics import FAILURES
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.options import SECTION
from airflow_fargate.settings.task_options import NO_OPTIONS, effective_options, parse_task_options
from airflow_fargate.tasks.launch import Launch
from airflow_fargate.tasks.messages import Finish, LaunchAgain, Release, Report, Waiting
from airflow_fargate.tasks.verdict import Diagnosis, Outcome, Responsibility
from airflow_fargate.text import LONGEST_REPORT, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow.cli.cli_config import GroupCommand
    from airflow.models.taskinstance import TaskInstance

    from airflow_fargate.airflow_versions import Work
    from airflow_fargate.launching.request import Hook

log = logging.getLogger(__name__)

_TAKE_BUDGET_SECONDS = 0.05
"""How long one heartbeat may hand over workloads; enough for about a thousand. The rest waits for the next
heartbeat, which may come only after ``[scheduler] scheduler_idle_sleep_time``."""

_KEPT_LOGS = 1000
_ENDS = ("failed", "success")

VERSIONS = f"{airflow_versions.AIRFLOW_VERSION} {__version__} {airflow_versions.PAYLOAD_FORMAT}"
"""What a standby and the scheduler that hands it a task must agree on: Airflow, this package, the payload."""


class FargateExecutor(VersionedExecutor):
    """Runs every task in its own Fargate container.

    ``[core] executor = airflow_fargate.FargateExecutor``, options in section ``[fargate]``.
    """

    _fleet: Fleet | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept_logs: deque[Any] = deque(maxlen=_KEPT_LOGS)

    # --- lifecycle -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read the configuration and start the threads.

        Raises:
            SystemExit: the section is invalid. The scheduler prints what to correct and exits; a traceback
                would hide it.
        """
        try:
            config = self.read_config()
            check_standby(config)
            self._fleet = self._build_fleet(config)
        except ConfigurationError as error:
            team = f" for team {self._team()!r}" if self._team() else ""
            raise SystemExit(f"FargateExecutor cannot start{team}.\n{error}") from None
        self.ids_are_assigned = bool(
            self._guarded("looking at the other executors", airflow_versions.assigns_ids_to_all)
        )
        self._fleet.start()
        log.info("FargateExecutor started: cluster %s, deployment %s", config.cluster, config.deployment)

    def _build_fleet(self, config: FargateConfig) -> Fleet:
        team = self._team()
        name = "-".join(str(part) for part in (gethostname(), getattr(self, "job_id", None), team) if part)
        return Fleet(
            config,
            BotoClients(config.region, config.threads),
            SystemClock(),
            load_hook(config.execution_config_function),
            airflow_versions.scheduler_health_check_threshold() / 2,
            lambda keys: airflow_versions.adopted_elsewhere(keys, getattr(self, "job_id", None)),
            lambda queue: effective_options(config, config.profiles.get(queue, NO_OPTIONS), NO_OPTIONS),
            VERSIONS,
            Scheduler(name, team or ""),
        )

    def _team(self) -> str | None:
        return getattr(self, "team_name", None)

    def read_config(self) -> FargateConfig:
        """Return the ``[fargate]`` section of this executor's team.

        Raises:
            ConfigurationError: with one sentence per error.
        """
        return read_config(*self.section(SECTION))

    def end(self) -> None:
        """Stop launching. Running tasks are left for the next scheduler."""
        if self._fleet is not None:
            self._guarded("ending", self._fleet.end)

    def terminate(self) -> None:
        """Stop every container that this executor tracks."""
        if self._fleet is not None:
            fleet = self._fleet
            self._guarded("terminating", lambda: fleet.stop_all("The executor was terminated"))

    # --- workloads -----------------------------------------------------------------------------------------

    def superseded(self, subject: Any, key: Any) -> None:
        """Drop earlier tries of a task instance, because a later one is queued."""
        super().superseded(subject, key)
        if (fleet := self._fleet) is not None:
            self.running.difference_update(
                self._guarded("superseding a try", lambda: fleet.supersede(subject, key)) or ()
            )

    def take(self, items: Sequence[Any]) -> None:
        """Hand over workloads until the time budget is spent; Airflow offers the rest again."""
        until = time.monotonic() + _TAKE_BUDGET_SECONDS
        for item in items:
            self._take_one(item)
            if time.monotonic() > until:
                return

    def _take_one(self, item: Any) -> None:
        key = self.dequeue_item(item)
        if key is None:
            return
        self.running.add(key)
        try:
            launch = self._launch_of(airflow_versions.work_of(item, id_is_assigned=self.ids_are_assigned))
            self.when_recorded(launch, lambda: self._hand_over(launch))
        except TaskOptionsError as error:
            self._reject(key, str(error), Responsibility.TASK)
        except Exception as error:
            log.exception("Preparing the launch of %s failed", key)
            self._reject(key, f"The executor could not launch this task: {error!r}")

    def _hand_over(self, launch: Launch) -> None:
        try:
            self._fleet_or_fail().launch(launch)
        except Exception as error:
            log.exception("Handing %s to the launcher failed", launch.key)
            self._reject(launch.key, f"The executor could not launch this task: {error!r}")

    def _reject(self, key: Any, why: str, fault: Responsibility = Responsibility.UNKNOWN) -> None:
        """Fail a task that was not launched."""
        self.fail(key, why)
        self._note_failure(key, Diagnosis(why, fault))

    def _note_failure(self, key: Any, diagnosis: Diagnosis) -> None:
        """Count a failure and show it on the page in Airflow."""
        if (fleet := self._fleet) is not None:
            fleet.metrics.count(FAILURES, fault=diagnosis.responsibility.name.lower())
            fleet.status.failed(key, diagnosis)

    def _launch_of(self, work: Work) -> Launch:
        """Return what to launch.

        Raises:
            TaskOptionsError: the task's ``executor_config`` is invalid.
        """
        own = parse_task_options("executor_config", work.executor_config)
        config = self._fleet_or_fail().config
        profile = config.profiles.get(work.queue, NO_OPTIONS)
        return Launch(
            key=work.key,
            launch_id=work.launch_id,
            priority=work.priority,
            identity=work.identity(),
            options=effective_options(config, profile, own),
            command=work.command,
            document=work.document(self.token_generator()),
            subject=airflow_versions.subject_of(work.key),
            id_is_recorded=work.id_is_recorded,
            takes_standby=work.takes_standby,
        )

    def sync(self) -> None:
        """Report to Airflow what happened to its tasks."""
        fleet = self._fleet
        if fleet is None:
            return
        for notice in self._guarded("syncing", fleet.sync) or ():
            try:
                self._pass_on(notice)
            except Exception:
                log.exception("Airflow could not be notified: %r", notice)
        self._guarded("sending metrics", self._send_metrics)

    def _send_metrics(self) -> None:
        fleet = self._fleet_or_fail()
        sink, failing = airflow_versions.statistics(), len(fleet.health.complaints())
        fleet.metrics.send(sink, len(fleet.registry), failing, self._team())

    def _pass_on(self, notice: Any) -> None:
        if isinstance(notice, Report):
            self.tell_started(notice.key, notice.arn)
        elif isinstance(notice, Release):
            self.running.discard(notice.key)
        elif isinstance(notice, Waiting):
            self.log_task_event(event="fargate waits", extra=notice.sentence, ti_key=notice.key)
        elif isinstance(notice, LaunchAgain):
            self.log_task_event(
                event="fargate launches again", extra=notice.why, ti_key=notice.attempt.launch.key
            )
        else:
            self._pass_on_end(notice)

    def _pass_on_end(self, notice: Finish) -> None:
        diagnosis = notice.verdict.diagnosis
        if notice.is_known:
            self.log_task_event(event="fargate", extra=str(diagnosis), ti_key=notice.key)
            return
        if notice.verdict.outcome is Outcome.SUCCESS:
            self.success(notice.key, diagnosis.arn)
            return
        if notice.verdict.outcome is Outcome.RESUMES_LATER:
            # The key may already stand for the next part of this try: reporting an end would fail that part.
            self.running.discard(notice.key)
            return
        # Before anything that may raise: a failure that is not reported here is never reported.
        self.fail(notice.key, str(diagnosis))
        if diagnosis.exit_code == ExitCode.TASK_FAILED:
            # The task has reported this to the API server, and its log says why.
            log.info("%s failed: %s", notice.key, diagnosis)
        else:
            log.error("%s failed: %s", notice.key, diagnosis)
            self._note_failure(notice.key, diagnosis)
            self.log_task_event(event="fargate", extra=str(diagnosis), ti_key=notice.key)

    def fail(self, key: Any, info: Any = None) -> None:
        """Report a failure; ``info`` is what the user reads, cleaned so that any database accepts it."""
        super().fail(key, clean(info, LONGEST_REPORT) if isinstance(info, str) else info)

    def change_state(
        self,
        key: Any,
        state: Any,
        info: Any = None,
        remove_running: bool = True,  # noqa: FBT001, FBT002  Airflow's signature
    ) -> None:
        """Record a task's state. If Airflow itself fails a task (no heartbeat), its container is stopped."""
        super().change_state(key, state, info, remove_running)
        fleet = self._fleet
        if fleet is not None and getattr(state, "value", state) in _ENDS:
            # If we reported the end ourselves, the fleet no longer tracks the task and this does nothing.
            reason = f"Airflow has set this task to {state}"
            self._guarded("stopping a task that Airflow ended", lambda: fleet.revoke(key, reason))

    def log_task_event(self, *, event: str, extra: str, ti_key: Any) -> None:
        """Add an event to Airflow's event log.

        The scheduler saves the events through a generator that drops each one, while SQLAlchemy's bulk insert
        holds only weak references: an event that is collected meanwhile is inserted without its values, and
        the whole insert fails (seen with Airflow 3.3.2). So the last events are kept referenced here.
        """
        super().log_task_event(event=event, extra=clean(extra, LONGEST_REPORT), ti_key=ti_key)
        self._kept_logs += list(self._task_event_logs)[-1:]

    # --- adoption and revocation ---------------------------------------------------------------------------

    def try_adopt_task_instances(self, tis: Sequence[TaskInstance]) -> Sequence[TaskInstance]:
        """Adopt the tasks of a dead scheduler; return those that Airflow must reset.

        Raises:
            sqlalchemy.exc.OperationalError: the database is not available; Airflow retries.
        """
        return tis if self._fleet is None else adopt(tis, self._fleet, self.running, self._launch_of)

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Drop a task that is stuck in queued, and stop its container."""
        key = ti.key
        self.forget(key)
        fleet = self._fleet
        if fleet is not None:
            self._guarded("revoking", lambda: fleet.revoke(key, "Airflow revoked this task"))

    def fail_connection_test(self, key: Any) -> None:
        """Drop a connection test that Airflow gave up on (3.3 and later)."""
        self.forget(key)
        fleet = self._fleet
        if fleet is not None:
            reason = "Airflow gave up on this connection test"
            self._guarded("dropping a connection test", lambda: fleet.revoke(key, reason))

    def get_task_log(
        self,
        ti: TaskInstance,
        try_number: int,  # noqa: ARG002  Airflow's signature
    ) -> tuple[list[str], list[str]]:
        """Return a running task's log from CloudWatch: (messages, lines). Called in the api-server."""
        try:
            return self._running_log().whole(ti.external_executor_id or "")
        except ConfigurationError as error:
            return [str(error)], []

    def get_streaming_task_log(
        self,
        ti: TaskInstance,
        try_number: int,  # noqa: ARG002  Airflow's signature
    ) -> tuple[list[str], list[Iterator[str]]]:
        """Return the same as streams, read while they are shown; Airflow 3.4 calls this one first."""
        try:
            return self._running_log().streaming(ti.external_executor_id or "")
        except ConfigurationError as error:
            return [str(error)], []

    def _running_log(self) -> RunningTaskLog:
        config = self.read_config()
        return RunningTaskLog(config, shared_clients(config.region))

    @staticmethod
    def get_cli_commands() -> list[GroupCommand]:
        """Return ``airflow fargate ...``."""
        return cli.commands()

    # --- inside --------------------------------------------------------------------------------------------

    def _fleet_or_fail(self) -> Fleet:
        if self._fleet is None:
            raise RuntimeError("FargateExecutor was not started")
        return self._fleet

    @staticmethod
    def _guarded(doing: str, call: Callable[[], Any]) -> Any:
        """Call it and log any exception: an exception that left this class would end the scheduler."""
        try:
            return call()
        except Exception:
            log.exception("FargateExecutor failed while %s", doing)
            return None


def check_standby(config: FargateConfig) -> None:
    """Reject standbys on a release that can lose a launch id.

    Raises:
        ConfigurationError: this Airflow is older than 3.2.2.
    """
    if config.standby and not airflow_versions.ASSIGNS_IDS:
        raise ConfigurationError(
            f"[{SECTION}] standby needs Airflow 3.2.2 or later, and this is "
            f"{airflow_versions.AIRFLOW_VERSION}. Remove the option."
        )


def load_hook(path: str) -> Hook | None:
    """Import ``execution_config_function`` and call it; as in AIP-29, it returns the function to use.

    Raises:
        ConfigurationError: it cannot be imported, or does not return a function.
    """
    if not path:
        return None
    module, _, name = path.rpartition(".")
    if not module:
        raise ConfigurationError(
            f"[{SECTION}] execution_config_function must be MODULE.FUNCTION, got {path!r}."
        )
    try:
        outer = getattr(importlib.import_module(module), name)
        hook = outer()
    except Exception as error:
        raise ConfigurationError(
            f"[{SECTION}] execution_config_function = {path!r} cannot be used: {error!r}. It must be "
            "the import path of a function that takes no arguments and returns a function."
        ) from error
    if not callable(hook):
        raise ConfigurationError(
            f"[{SECTION}] execution_config_function = {path!r} must return a function that takes the "
            f"Airflow command and returns run_task's keyword arguments, got {hook!r}."
        )
    return hook  # type: ignore[no-any-return]
