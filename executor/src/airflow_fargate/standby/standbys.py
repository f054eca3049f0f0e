"""The standby containers of one scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.launching.payload import command_for
from airflow_fargate.settings.standby_plans import parse_plans
from airflow_fargate.standby.fingerprint import fingerprint
from airflow_fargate.standby.keeper import Keeper
from airflow_fargate.standby.offers import Offers
from airflow_fargate.standby.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.clock import Clock
    from airflow_fargate.fleet.threads import Health
    from airflow_fargate.launching.launch_queue import LaunchQueue
    from airflow_fargate.launching.request import RunRequestBuilder
    from airflow_fargate.metrics import Metrics
    from airflow_fargate.settings.task_options import TaskOptions
    from airflow_fargate.standby.pool import Standby
    from airflow_fargate.standby.store import Objects
    from airflow_fargate.tasks.launch import Attempt
    from airflow_fargate.tasks.messages import Message

OFFER_THREADS = 4


class Standbys:
    """The pool of standbys, the keeper that fills it, and the offers that give launches to it.

    Args:
        clients: returns boto3 clients.
        builder: builds requests; its configuration is the fleet's.
        options: returns a queue's task options.
        version: of Airflow, this package and the payload.
        objects: the protocol's objects.
        queue: the launch queue.
        clock: monotonic and wall-clock time.
        post: takes a message for the registry.
        cold: launches an attempt as if there were no standbys.
        stop: has an ECS task stopped.
        may_act: returns whether this scheduler's loop still runs.
        health: records failures.
        measured: collects metrics.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        clients: ClientSource,
        builder: RunRequestBuilder,
        options: Callable[[str], TaskOptions],
        version: str,
        objects: Objects,
        queue: LaunchQueue,
        clock: Clock,
        post: Callable[[Message], None],
        cold: Callable[[Attempt], None],
        stop: Callable[[str, str], None],
        may_act: Callable[[], bool],
        health: Health,
        measured: Metrics,
    ) -> None:
        config = builder.config
        self._clients, self._builder, self._version = clients, builder, version
        self.pool = Pool(clock.monotonic)
        self.keeper = Keeper(
            clients,
            builder,
            parse_plans(config.standby),
            options,
            self._fingerprint,
            objects,
            self.pool,
            queue,
            clock,
            may_act,
            health,
            measured,
        )
        self.offers = Offers(
            objects,
            self.pool,
            self._match,
            clock.monotonic,
            post,
            cold,
            stop,
            self._tag,
            config.standby_claim_timeout,
            may_act,
            health,
            measured,
        )

    def submit(self, attempt: Attempt) -> bool:
        """Take an attempt if a standby may run it; return False to launch it cold. Does no I/O."""
        return self.offers.submit(attempt)

    def _fingerprint(self, request: Mapping[str, Any]) -> str:
        return fingerprint(request, self._builder.config.container_name, self._version)

    def _match(self, attempt: Attempt) -> tuple[str, Callable[[Standby], bool]]:
        # Built as for a cold launch, hook included. The reference is part of the command, which is left out.
        request = self._builder.build(attempt, command_for("s3://-"))
        return self._fingerprint(request), self.keeper.is_current

    def _tag(self, arn: str, attempt: Attempt) -> None:
        tags: Any = self._builder.tags(attempt)
        self._clients("ecs").tag_resource(resourceArn=arn, tags=tags)
