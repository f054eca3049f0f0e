"""A launcher over fakes, moved by hand: what the launcher's tests stand on."""

from __future__ import annotations

from typing import Any

from airflow_fargate.aws.rate_limiter import RateLimiter
from airflow_fargate.launching.launch_queue import LaunchQueue
from airflow_fargate.launching.launcher import Launcher, RetryPolicy
from airflow_fargate.launching.payload import store_for
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.tasks.messages import Delayed
from airflow_fargate.testing import FakeEcs, ManualClock
from aws_model import modelled
from unit.examples import CONFIG, launch_id


class Bucket:
    """S3 with one bucket; ``errors`` are raised by the next puts."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.errors: list[Exception] = []

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        if self.errors:
            raise self.errors.pop(0)
        self.objects[Key] = Body

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        if self.errors:
            raise self.errors.pop(0)
        self.objects.pop(Key, None)


class Bench:
    """A launcher over fakes."""

    def __init__(self, bucket: str = "payloads", hook: Any = None) -> None:
        self.clock = ManualClock()
        self.ecs, self.s3 = FakeEcs(clock=self.clock), Bucket()
        self.said: list[Any] = []
        self.delays: list[Delayed] = []
        self.client_errors: list[Exception] = []
        builder = RunRequestBuilder(CONFIG, hook, request_faults)
        limiter = RateLimiter(1000, 1000, 1000, 1000, 0.0)
        self.queue = LaunchQueue(limiter, builder.capacity, self.clock.monotonic)
        self.launcher = Launcher(
            self.client,
            builder,
            store_for(self.client, bucket, "workloads"),
            self.queue,
            RetryPolicy(lambda: 0.5),
            self.clock.monotonic,
            self.post,
        )

    def post(self, message: Any) -> None:
        (self.delays if isinstance(message, Delayed) else self.said).append(message)

    def client(self, service: str) -> Any:
        if service == "ecs" and self.client_errors:
            raise self.client_errors.pop(0)
        return modelled(service, {"ecs": self.ecs, "s3": self.s3}[service])

    def run(self, seconds: float = 0.0) -> None:
        """Do all that is due, now and for so many seconds."""
        until = self.clock.monotonic() + seconds
        while True:
            wait = self.launcher.run_one()
            if wait > 0:
                left = until - self.clock.monotonic()
                if left <= 0:
                    return
                self.clock.advance(min(wait, left))

    def fail(self, *errors: Exception) -> None:
        """Have the next RunTasks raise these."""
        self.ecs._rejections.extend(errors)

    @property
    def tokens(self) -> list[str]:
        return [request["clientToken"].removeprefix(launch_id()) for request in self.ecs.requests]
