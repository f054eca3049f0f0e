"""Faults between the executor and a service, for every client of boto3."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from local_cloud import ManualClock

Call = Callable[[], Any]
Strike = Callable[[Call], Any]
"""Gets the call, made or not as it likes; returns what the executor sees, or raises it."""


@dataclass(frozen=True)
class Outage:
    """One thing that goes wrong with a service's calls.

    strike: what happens instead of the call. service: ecs, sqs, s3 or logs, empty for all. operations:
    boto3's method names, all when empty; ``client`` is the making of the client itself. after, until: seconds
    since it was added between which it strikes. times: how often at most. probability: of each call.
    """

    strike: Strike
    service: str = ""
    operations: tuple[str, ...] = ()
    after: float = 0.0
    until: float | None = None
    times: int | None = None
    probability: float = 1.0


def refused(code: str, message: str = "", status: int = 400) -> Strike:
    """AWS answers with an error; nothing is done."""

    def strike(_: Call) -> Any:
        raise refusal(code, message, status)

    return strike


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    """The error as boto3 raises it."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


def raised(make: Callable[[], BaseException]) -> Strike:
    """The client raises before anything was sent."""

    def strike(_: Call) -> Any:
        raise make()

    return strike


def done_and_raised(make: Callable[[], BaseException]) -> Strike:
    """The work is done, and the client raises all the same."""

    def strike(call: Call) -> Any:
        call()
        raise make()

    return strike


def answered(document: dict[str, Any]) -> Strike:
    """AWS answers this and does nothing."""
    return lambda _: document


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Strike:
    """The work is done, and the answer says something else."""
    return lambda call: change(call())


@dataclass
class _Armed:
    outage: Outage
    since: float
    struck: int = 0


class Outages:
    """The outages in force; ``injected`` counts what they did, by service and operation."""

    def __init__(self, clock: ManualClock, seed: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._armed: list[_Armed] = []
        self.injected: Counter[str] = Counter()

    def add(self, *outages: Outage) -> None:
        """Put outages in force, from now on."""
        self._armed += [_Armed(outage, self._clock.now()) for outage in outages]

    def source(self, clients: dict[str, Any]) -> Callable[[str], Any]:
        """Return a source of these clients, as the executor takes one, with the outages before it."""

        def client(service: str) -> Any:
            return self.call(service, "client", lambda: _Client(self, service, clients[service]))

        return client

    def call(self, service: str, operation: str, call: Call) -> Any:
        """Make a call, or what becomes of it."""
        for armed in self._armed:
            if self._strikes(armed, service, operation):
                armed.struck += 1
                self.injected[f"{service}.{operation}"] += 1
                return armed.outage.strike(call)
        return call()

    def _strikes(self, armed: _Armed, service: str, operation: str) -> bool:
        outage, age = armed.outage, self._clock.now() - armed.since
        named = operation in outage.operations or (not outage.operations and operation != "client")
        return (
            named
            and outage.service in ("", service)
            and outage.after <= age < (float("inf") if outage.until is None else outage.until)
            and (outage.times is None or armed.struck < outage.times)
            and (outage.probability >= 1 or self._random.random() < outage.probability)
        )


class _Client:
    """A client behind the outages."""

    def __init__(self, outages: Outages, service: str, inner: Any) -> None:
        self._outages, self._service, self._inner = outages, service, inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name.startswith("_") or not callable(found) or isinstance(found, type):
            return found
        return lambda **parameters: self._outages.call(self._service, name, lambda: found(**parameters))
