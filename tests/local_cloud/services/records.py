"""What a service is made of. The records change in place; the task plane's lock guards them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_EVENTS = 100

ACTIVE = "ACTIVE"
DRAINING = "DRAINING"
INACTIVE = "INACTIVE"

PRIMARY = "PRIMARY"

IN_PROGRESS = "IN_PROGRESS"
COMPLETED = "COMPLETED"
FAILED = "FAILED"

# Members of a service that a deployment keeps a copy of: a rollback returns to them.
OF_A_DEPLOYMENT = (
    "capacityProviderStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "propagateTags",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "taskDefinition",
    "volumeConfigurations",
)


@dataclass
class Deployment:
    """One version of a service; times are seconds since the epoch.

    settings: what its tasks are launched with, in CreateService's words. unproven: its tasks that have
    neither succeeded nor failed yet. failed_tasks: how many failed in a row. retry_at: no launches before.
    """

    id: str
    settings: Mapping[str, Any]
    created_at: float
    updated_at: float
    status: str = PRIMARY
    rollout_state: str = IN_PROGRESS
    reason: str = ""
    failed_tasks: int = 0
    unproven: set[str] = field(default_factory=set)
    retry_at: float = 0.0

    @property
    def number(self) -> str:
        """The id without its prefix; AWS uses it in the ARNs of revisions, too."""
        return self.id.rpartition("/")[2]


@dataclass
class Rollout:
    """What ListServiceDeployments shows: one attempt to bring a deployment out.

    target and sources: deployments. rollback: the deployment returned to, with reason and start.
    """

    arn: str
    target: Deployment
    sources: tuple[Deployment, ...]
    created_at: float
    updated_at: float
    configuration: Mapping[str, Any]
    threshold: int
    status: str = IN_PROGRESS
    reason: str | None = None
    finished_at: float | None = None
    failures: int = 0
    rollback: tuple[str, Deployment, float] | None = None


@dataclass(frozen=True)
class Message:
    """An entry of a service's `events`."""

    id: str
    created_at: float
    text: str


@dataclass
class Service:
    """A service.

    settings: CreateService's members, as DescribeServices shows them. deployments: the PRIMARY one first.
    living: its tasks that have not stopped. graced: those that became unhealthy in their grace period.
    registered: ids of registered tasks, and where they are. steady: whether it has what it wants. pass_due:
    whether a pass of the scheduler is on its way.
    """

    arn: str
    name: str
    region: str
    account: str
    cluster_arn: str
    cluster_name: str
    created_at: float
    settings: dict[str, Any]
    desired_count: int
    client_token: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    status: str = ACTIVE
    deployments: list[Deployment] = field(default_factory=list)
    last_completed: Deployment | None = None
    rollouts: list[Rollout] = field(default_factory=list)
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    living: set[str] = field(default_factory=set)
    graced: set[str] = field(default_factory=set)
    registered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    steady: bool = False
    pass_due: bool = False

    @property
    def primary(self) -> Deployment:
        """The deployment that the service should run."""
        return self.deployments[0]

    @property
    def group(self) -> str:
        """The `group` of its tasks."""
        return f"service:{self.name}"

    @property
    def minimum(self) -> int:
        """How many healthy tasks a deployment must keep: the minimum percentage, rounded up."""
        return -(-self.desired_count * self._percent("minimumHealthyPercent") // 100)

    @property
    def maximum(self) -> int:
        """How many tasks there may be at once: the maximum percentage, rounded down."""
        return self.desired_count * self._percent("maximumPercent") // 100

    @property
    def circuit_breaker(self) -> Mapping[str, bool]:
        """Whether the deployment circuit breaker is on (`enable`) and rolls back (`rollback`)."""
        found: Mapping[str, bool] = self.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]
        return found

    @property
    def grace_period(self) -> float:
        """Seconds after the start of a task in which its health checks may fail."""
        return float(self.settings.get("healthCheckGracePeriodSeconds") or 0)

    @property
    def threshold(self) -> int:
        """How many failed tasks trip the circuit breaker: half the desired count, from 3 to 200."""
        return max(3, min(200, -(-self.desired_count // 2)))

    def _percent(self, name: str) -> int:
        return int(self.settings["deploymentConfiguration"][name])
