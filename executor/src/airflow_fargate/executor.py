"""FargateExecutor: what Airflow's scheduler calls, translated for the fleet and back. No logic, no I/O."""

from __future__ import annotations

import importlib
import logging
from collections import deque
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_fargate import airflow_versions, cli
from airflow_fargate.adoption import adopt
from airflow_fargate.airflow_versions.base_executor import ReleasedExecutor
from airflow_fargate.clock import SystemClock
from airflow_fargate.config import FargateConfig, read_config
from airflow_fargate.ecs import BotoClients
from airflow_fargate.errors import ConfigurationError, TaskOptionsError
from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.fleet import Fleet
from airflow_fargate.launch import Details, Launch
from airflow_fargate.logs import RunningTaskLog, shared_clients
from airflow_fargate.messages import Finish, Report
from airflow_fargate.metrics import FAILURES
from airflow_fargate.options import SECTION
from airflow_fargate.task_options import TaskOptions, effective_options, parse_task_options
from airflow_fargate.turns import Turns
from airflow_fargate.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow.cli.cli_config import GroupCommand
    from airflow.models.taskinstance import TaskInstance

    from airflow_fargate.airflow_versions import Work
    from airflow_fargate.run_request import Hook

log = logging.getLogger(__name__)

_TAKEN_PER_HEARTBEAT = 50
"""Workloads that one heartbeat hands over at least, two milliseconds of work: a burst of thousands must not
hold the scheduler. With raised quotas it is a quarter of what AWS lets through in a second: the scheduler
idles for one when it has told and queued nothing. A loop of the scheduler queues sixteen by default."""

_KEPT_LOGS = 1000


class FargateExecutor(ReleasedExecutor):
    """Runs every task in its own Fargate container.

    ``[core] executor = airflow_fargate.FargateExecutor``, options in section ``[fargate]``.
    """

    _fleet: Fleet | None = None
    _profiles: Mapping[str, TaskOptions] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept_logs: deque[Any] = deque(maxlen=_KEPT_LOGS)
        self._owners: dict[Any, str] = {}

    # --- lifecycle -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read the configuration and start the threads.

        Raises:
            SystemExit: the section cannot be used. The scheduler ends with the sentences that say what to
                correct; a traceback would bury them.
        """
        try:
            config = self.read_config()
            self._profiles = parse_profiles(config)
            self._fleet = self._build_fleet(config)
        except ConfigurationError as error:
            raise SystemExit(f"FargateExecutor cannot start.\n{error}") from None
        self._fleet.start()
        log.info("FargateExecutor started: cluster %s, deployment %s", config.cluster, config.deployment)

    def _build_fleet(self, config: FargateConfig) -> Fleet:
        turns = Turns()
        clients = BotoClients(config.region, config.threads, turns.watch)
        return Fleet(config, clients, SystemClock(), load_hook(config.execution_config_function), turns)

    def read_config(self) -> FargateConfig:
        """Return the section as it is configured for this executor's team.

        Raises:
            ConfigurationError: one sentence per fault.
        """
        return read_config(*self.section(SECTION))

    def end(self) -> None:
        """Stop launching; leave what runs to the next scheduler."""
        if self._fleet is not None:
            self._guarded("ending", self._fleet.end)

    def terminate(self) -> None:
        """Stop every container of ours."""
        if self._fleet is not None:
            fleet = self._fleet
            self._guarded("terminating", lambda: fleet.stop_all("The executor was terminated"))

    def heartbeat(self) -> None:
        """Do what Airflow does; launchers let it pass."""
        with nullcontext() if self._fleet is None else self._fleet.turns.scheduler_first():
            super().heartbeat()

    # --- workloads -----------------------------------------------------------------------------------------

    def queue_workload(self, workload: Any, session: Any) -> None:
        """Take a workload; it is launched at the next heartbeat that has a slot for it."""
        super().queue_workload(workload, session)
        ti = getattr(workload, "ti", None)
        if ti is None:
            return
        owner = self._guarded("reading the owner", lambda: airflow_versions.owner_of(ti.dag_id, session))
        if owner:
            self._owners[ti.key] = owner

    def take(self, items: Sequence[Any]) -> None:
        """Hand over what has a slot. The rest stays queued, and is offered again at the next heartbeat."""
        fleet = self._fleet
        with_quotas = int(fleet.config.run_task_rate) // 4 if fleet is not None else 0
        for item in items[: max(_TAKEN_PER_HEARTBEAT, with_quotas)]:
            work = airflow_versions.work_of(item)
            self.dequeue(work.key)
            self.running.add(work.key)
            self._guarded("taking a task", partial(self._process, work))

    def _process(self, work: Work) -> None:
        launch = self._launch_of(work)
        self.when_recorded(work, lambda: self._hand_over(launch))

    def _hand_over(self, launch: Launch) -> None:
        try:
            self._fleet_or_fail().launch(launch)
        except Exception as error:
            log.exception("%s could not be handed to the launcher", launch.key)
            self.fail(launch.key, f"The executor could not take this task: {error!r}")

    def _launch_of(self, work: Work) -> Launch:
        details = partial(self._details_of, work, self._owners.pop(work.key, ""))
        return Launch(work.key, work.launch_id, work.priority, details)

    def _details_of(self, work: Work, owner: str) -> Details:
        """Return what to launch; called by a launcher's thread."""
        own = parse_task_options("executor_config", work.executor_config)
        profile = self._profiles.get(work.queue, TaskOptions())
        return Details(
            identity=work.identity(owner),
            options=effective_options(self._fleet_or_fail().config, profile, own),
            command=work.command,
            document=work.document(self.token_generator()),
        )

    def sync(self) -> None:
        """Tell Airflow what has become of its tasks."""
        fleet = self._fleet
        if fleet is None:
            return
        for told in self._guarded("syncing", fleet.sync) or ():
            try:
                self._tell(told)
            except Exception:
                log.exception("Airflow could not be told: %r", told)
        self._guarded("sending metrics", self._send_metrics)

    def _send_metrics(self) -> None:
        fleet = self._fleet_or_fail()
        sink, failing = airflow_versions.statistics(), len(fleet.health.complaints())
        fleet.metrics.send(sink, len(fleet.registry), failing, getattr(self, "team_name", None))

    def _tell(self, told: Any) -> None:
        if isinstance(told, Report):
            self.tell_started(told.key, told.arn)
            return
        if not isinstance(told, Finish):
            self.log_task_event(
                event="fargate launches again", extra=told.why, ti_key=told.attempt.launch.key
            )
            return
        diagnosis = told.verdict.diagnosis
        if told.verdict.outcome is Outcome.SUCCESS:
            self.success(told.key, diagnosis.arn)
            return
        if told.verdict.outcome is Outcome.RESUMES_LATER:
            # The key already means the next part of this try: an event about this part could fail that one.
            self.running.discard(told.key)
            return
        if diagnosis.exit_code == ExitCode.TASK_FAILED:
            # The task has told the API server itself, and its log says why.
            log.info("%s failed: %s", told.key, diagnosis)
        else:
            log.error("%s failed: %s", told.key, diagnosis)
            self._fleet_or_fail().metrics.count(FAILURES, fault=diagnosis.responsibility.name.lower())
            self.log_task_event(event="fargate", extra=str(diagnosis), ti_key=told.key)
        self.fail(told.key, str(diagnosis))

    def log_task_event(self, *, event: str, extra: str, ti_key: Any) -> None:
        """Add an event to Airflow's event log.

        The scheduler saves them through a generator that lets go of each, while SQLAlchemy's bulk insert
        refers to them weakly: one that nobody else holds is inserted without its values, which fails for all
        (seen with Airflow 3.3.2). So the last ones are held here.
        """
        super().log_task_event(event=event, extra=extra, ti_key=ti_key)
        self._kept_logs += list(self._task_event_logs)[-1:]

    # --- other schedulers, other ends ----------------------------------------------------------------------

    def try_adopt_task_instances(self, tis: Sequence[TaskInstance]) -> Sequence[TaskInstance]:
        """Take over the tasks of a scheduler that is gone; return those that are to be reset."""
        fleet = self._fleet
        if fleet is None:
            return tis
        left = self._guarded("adopting", lambda: adopt(tis, fleet, self.running, self._launch_of))
        return tis if left is None else left

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Forget a task that is stuck in queued, and stop its container."""
        key = ti.key
        self.forget(key)
        self._owners.pop(key, None)
        fleet = self._fleet
        if fleet is not None:
            self._guarded("revoking", lambda: fleet.revoke(key, "Airflow revoked this task"))

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
        """Return the same as streams, read while they are shown; Airflow 3.4 asks for these first."""
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
        """Call; an exception is logged and ends here: one that left would end the scheduler."""
        try:
            return call()
        except Exception:
            log.exception("FargateExecutor failed while %s", doing)
            return None


def parse_profiles(config: FargateConfig) -> dict[str, TaskOptions]:
    """Return queue -> options.

    Raises:
        ConfigurationError: a profile has a key or value that is not allowed.
    """
    try:
        return {
            queue: parse_task_options(f"[{SECTION}] profiles: {queue}", profile)
            for queue, profile in config.profiles.items()
        }
    except TaskOptionsError as error:
        raise ConfigurationError(str(error)) from None


def load_hook(path: str) -> Hook | None:
    """Import ``execution_config_function`` and call it, as AIP-29 has it: it returns the function to use.

    Raises:
        ConfigurationError: it cannot be imported, or does not return a function.
    """
    if not path:
        return None
    module, _, name = path.rpartition(".")
    try:
        outer = getattr(importlib.import_module(module), name)
        hook = outer()
    except Exception as error:
        raise ConfigurationError(
            f"[{SECTION}] execution_config_function = {path!r} cannot be used: {error!r}. It takes the "
            "import path of a function without arguments that returns a function."
        ) from error
    if not callable(hook):
        raise ConfigurationError(
            f"[{SECTION}] execution_config_function = {path!r} returned {hook!r}: a function is needed, from "
            "the Airflow command to run_task's keyword arguments."
        )
    return hook  # type: ignore[no-any-return]
