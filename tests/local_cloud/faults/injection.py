"""Scripted faults of the ECS API and of the event bus, repeatable by their seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.clock import Clock
    from local_cloud.ecs.records import Task
    from local_cloud.faults.limits import Limits

CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
QUOTA = (
    "You\u2019ve reached the limit on the number of vCPUs you can run concurrently. For more information, "
    "see the Troubleshooting section of the Amazon ECS Developer Guide."
)
HIDDEN_THROTTLE = "Error retrieving subnet information for [{subnet}]: Rate exceeded (ErrorCode: Throttling)"
DEPENDENCY = (
    "Error retrieving subnet information for [{subnet}]: The service is unavailable. Please try again "
    "shortly. (ErrorCode: Unavailable)"
)
REASONS = {"capacity": CAPACITY, "quota": QUOTA}
_HIDDEN = {"hidden_throttle": HIDDEN_THROTTLE, "dependency": DEPENDENCY}
KINDS = (
    "throttle",  # ThrottlingException, HTTP 400
    "hidden_throttle",  # InvalidParameterException whose message says throttling
    "server_error",  # ServerException, HTTP 500, nothing done
    "server_error_after",  # done, and yet answered with ServerException
    "lost",  # done, and the answer never arrives
    "latency",  # answered, late
    "dependency",  # InvalidParameterException whose message says that a service behind ECS is unavailable
    "capacity",  # RunTask answers 200 with failures[]
    "quota",  # the same: the account's quota of vCPUs is used up
    "error",  # any other: code, message and status as given
)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    operations: the ECS operations it strikes, all four when empty; over HTTP also those of other services, as
    `sqs:ReceiveMessage`, and methods where a service has no names, as `s3:PUT`. probability: 0 to 1 for each
    call. times: how often at most. after and until: seconds since the fault was added between which it
    strikes. delay: seconds the answer takes (latency, lost), a number or a range. provider: for capacity and
    quota, only this capacity provider (FARGATE stands for the launch type too). code, message, status: for
    `error`.
    """

    kind: str
    operations: tuple[str, ...] = ()
    probability: float = 1.0
    times: int | None = None
    after: float = 0.0
    until: float | None = None
    delay: float | tuple[float, float] = 0.0
    provider: str | None = None
    code: str = "ServerException"
    message: str = "Service Unavailable. Please try again later."
    status: int = 500

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; there are {', '.join(KINDS)}")


@dataclass(frozen=True)
class EventFaults:
    """What becomes of events: probabilities of being lost, sent twice, or overtaken by `delay` seconds.

    transit: seconds that every event takes from ECS to its target, a number or a range.
    """

    lost: float = 0.0
    duplicated: float = 0.0
    delayed: float = 0.0
    delay: float | tuple[float, float] = (0.5, 5.0)
    transit: float | tuple[float, float] = 0.0


@dataclass(frozen=True)
class Verdict:
    """What becomes of one call: an error before or after it was done, a lost answer, seconds of delay."""

    error: AwsError | None = None
    done: bool = True
    lost: bool = False
    delay: float = 0.0


@dataclass
class _Armed:
    fault: Fault
    since: float
    struck: int = 0


@dataclass
class Faults:
    """The faults in force. Change them at any time; `injected` counts what they did, by kind."""

    clock: Clock
    seed: int = 0
    limits: Limits | None = None
    events: EventFaults = field(default_factory=EventFaults)
    describe_lag: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        self._armed: list[_Armed] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in force, from now on, after those that are in force already."""
        self._armed.extend(_Armed(fault, self.clock.now()) for fault in faults)

    def clear(self) -> None:
        """Everything works again: no faults, no event faults, no lag. Limits stay."""
        self._armed.clear()
        self.events = EventFaults()
        self.describe_lag = 0.0

    def judge(self, operation: str, parameters: Mapping[str, object]) -> Verdict:
        """What becomes of this call. Capacity is judged later, per task, by `refuses_capacity`."""
        if self.limits is not None and not self.limits.admit(operation, self.clock.now()):
            self.injected["limit"] += 1
            return Verdict(error=throttled(), done=False)
        return self._struck(operation, parameters, self._armed)

    def _struck(
        self, operation: str, parameters: Mapping[str, object], armed_faults: list[_Armed]
    ) -> Verdict:
        error: AwsError | None = None
        done, lost, delay = True, False, 0.0
        for armed in armed_faults:
            kind = armed.fault.kind
            if kind in REASONS or error is not None or not self._strikes(armed, operation):
                continue
            delay += self._seconds(armed.fault.delay)
            if kind == "lost":
                lost = True
            elif kind != "latency":
                error = _error(armed.fault, parameters)
                done = kind == "server_error_after"
        return Verdict(error, done, lost and error is None, delay)

    def judge_other(self, operation: str) -> Verdict:
        """What becomes of a call of another service, as `sqs:ReceiveMessage`, by the faults that name it."""
        named = [armed for armed in self._armed if operation in armed.fault.operations]
        return self._struck(operation, {}, named)

    def refuses_capacity(self, provider: str) -> str | None:
        """The reason for `failures[]`, or None when there is capacity."""
        for armed in self._armed:
            reason = REASONS.get(armed.fault.kind)
            if reason is None or armed.fault.provider not in (None, provider):
                continue
            if self._strikes(armed, "RunTask"):
                return reason
        return None

    def admits_launch(self, provider: str) -> bool:
        """Whether Fargate's own launch rate lets one more task begin."""
        return self.limits is None or self.limits.admit_launch(provider, self.clock.now())

    def sees(self, task: Task) -> bool:
        """Whether DescribeTasks and ListTasks know the task yet."""
        return self.describe_lag <= 0 or self.clock.now() - task.created_at >= self.describe_lag

    def deliveries(self) -> tuple[float, ...]:
        """In how many seconds an event arrives: once, not at all, or twice."""
        faults = self.events
        if self._happens(faults.lost):
            self.injected["event_lost"] += 1
            return ()
        delays = [self._seconds(faults.transit)]
        if self._happens(faults.duplicated):
            self.injected["event_duplicated"] += 1
            delays.append(delays[0] + self._seconds(faults.delay))
        if self._happens(faults.delayed):
            self.injected["event_delayed"] += 1
            delays[0] += self._seconds(faults.delay)
        return tuple(delays)

    def _strikes(self, armed: _Armed, operation: str) -> bool:
        fault, age = armed.fault, self.clock.now() - armed.since
        if fault.operations and operation not in fault.operations:
            return False
        if age < fault.after or (fault.until is not None and age >= fault.until):
            return False
        if fault.times is not None and armed.struck >= fault.times:
            return False
        if not self._happens(fault.probability):
            return False
        armed.struck += 1
        self.injected[fault.kind] += 1
        return True

    def _happens(self, probability: float) -> bool:
        return probability > 0 and (probability >= 1 or self._random.random() < probability)

    def _seconds(self, delay: float | tuple[float, float]) -> float:
        return self._random.uniform(*delay) if isinstance(delay, tuple) else delay


def throttled() -> AwsError:
    """How ECS says that a caller is too quick."""
    return AwsError("ThrottlingException", "Rate exceeded")


def _error(fault: Fault, parameters: Mapping[str, object]) -> AwsError:
    if fault.kind == "throttle":
        return throttled()
    if fault.kind in _HIDDEN:
        network = parameters.get("networkConfiguration") or {}
        subnets = network.get("awsvpcConfiguration", {}).get("subnets") if isinstance(network, dict) else None
        subnet = (subnets or ["subnet"])[0]
        return AwsError("InvalidParameterException", _HIDDEN[fault.kind].format(subnet=subnet))
    return AwsError(fault.code, fault.message, fault.status)
