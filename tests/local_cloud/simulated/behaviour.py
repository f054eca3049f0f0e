"""How a simulated task lives: durations and its end, turned into steps on a timeline. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from local_cloud.ecs import lifecycle as life
from local_cloud.ecs.lifecycle import Change, ContainerChange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from local_cloud.ecs.records import Task

Seconds = float | tuple[float, float]

EXITED = ("EssentialContainerExited", "Essential container in task exited")
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
SPOT = ("SpotInterruption", "Your Spot Task was interrupted.")
UNHEALTHY = ("InfrastructureHealth", "Task stopped because of underlying infrastructure failure.")
RETIRED = ("TerminationNotice", "Task stopped by a termination notice.")
NO_INTERFACE = "Timeout waiting for network interface provisioning to complete."
PULL_TIMEOUT = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
    'quay.io/acme/worker:1: failed to do request: Head "https://quay.io/v2/acme/worker/manifests/1": dial '
    "tcp 3.210.148.47:443: i/o timeout"
)


@dataclass(frozen=True)
class Behaviour:
    """One task's life. Durations in seconds: a number, or a range drawn from with the engine's seed.

    run: how long it runs by itself, None for until it is stopped. exit_code: of the essential containers;
    `sidecar_exit_codes` sets others by name. fails_in: PROVISIONING or PENDING, for a task that never runs
    and stops with `stopped_reason` and TaskFailedToStart. stop_code and stopped_reason: why it ends, when not
    by its own exit; the containers then end by SIGTERM. stop_exit_code: what they exit with then. stopping:
    how long they take to (at most their stopTimeout, then SIGKILL and 137). container_reason: for instance
    OUT_OF_MEMORY. healthy_after and unhealthy_after: when the health checks of its containers first pass, and
    fail for good, in seconds of RUNNING; None for never. They must lie in this order.
    """

    provisioning: Seconds = 2.0
    pending: Seconds = 3.0
    activating: Seconds = 0.0
    run: Seconds | None = 10.0
    deactivating: Seconds = 0.0
    stopping: Seconds = 0.5
    deprovisioning: Seconds = 2.0
    exit_code: int = 0
    stop_exit_code: int | None = 143
    sidecar_exit_codes: Mapping[str, int | None] = field(default_factory=dict)
    container_reason: str | None = None
    healthy_after: Seconds | None = 0.0
    unhealthy_after: Seconds | None = None
    fails_in: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None


def fails_to_start(reason: str = NO_INTERFACE, *, fails_in: str = life.PROVISIONING) -> Behaviour:
    """A task that is accepted and never runs."""
    return Behaviour(fails_in=fails_in, stopped_reason=reason)


def out_of_memory(after: Seconds = 10.0) -> Behaviour:
    """A task that outgrows its memory."""
    return Behaviour(run=after, exit_code=137, container_reason=OUT_OF_MEMORY)


def spot_interrupted(after: Seconds = 10.0) -> Behaviour:
    """A task that Spot takes back; its containers end by SIGTERM."""
    return Behaviour(run=after, stop_code=SPOT[0], stopped_reason=SPOT[1])


def spot_taken_before_start(fails_in: str = life.PENDING) -> Behaviour:
    """A task that Spot takes back before it ran."""
    return Behaviour(fails_in=fails_in, stop_code=SPOT[0], stopped_reason=SPOT[1])


def host_failed(after: Seconds = 10.0) -> Behaviour:
    """A task whose host dies; no exit code is known."""
    return Behaviour(run=after, stop_code=UNHEALTHY[0], stopped_reason=UNHEALTHY[1], stopping=0.0)


@dataclass(frozen=True)
class Step:
    """A change `delay` seconds after the one before it."""

    delay: float
    change: Change


def life_of(task: Task, behaviour: Behaviour, random: Random) -> tuple[Step, ...]:
    """Every step of a task that nobody stops."""
    attached = {"connectivity": "CONNECTED", "interface_status": "ATTACHED"}
    provisioning, pending = _draw(behaviour.provisioning, random), _draw(behaviour.pending, random)
    if behaviour.fails_in == life.PROVISIONING:
        return _never_ran(provisioning, behaviour, random)
    connected = Step(
        provisioning,
        Change(life.PENDING, stamps=("connectivity_at", "pull_started_at"), facts=attached),
    )
    if behaviour.fails_in == life.PENDING:
        return (connected, *_never_ran(pending, behaviour, random))
    running = tuple(
        ContainerChange(item.name, life.RUNNING, runtime_id=f"{task.task_id}-{random.getrandbits(32)}")
        for item in task.containers
    )
    started: tuple[Step, ...] = (
        connected,
        Step(pending, Change(life.ACTIVATING, stamps=("pull_stopped_at",))),
        Step(_draw(behaviour.activating, random), Change(life.RUNNING, containers=running)),
    )
    health, spent = _health(task, behaviour, random)
    started = (*started, *health)
    if behaviour.run is None:
        return started
    run = max(_draw(behaviour.run, random) - spent, 0.0)
    if behaviour.stop_code is None:
        code, reason = EXITED
        ended = _exits(task, behaviour, behaviour.exit_code)
        return (
            *started,
            Step(run, Change(life.DEACTIVATING, stop_code=code, stopped_reason=reason, containers=ended)),
            *_ending(behaviour, random),
        )
    told = Change(stop_code=behaviour.stop_code, stopped_reason=behaviour.stopped_reason)
    return (*started, Step(run, told), *_stopped_from_outside(task, behaviour, random))


def _health(task: Task, behaviour: Behaviour, random: Random) -> tuple[tuple[Step, ...], float]:
    """The steps that health checks make, and how long they take; none without health checks."""
    checked = [item.name for item in task.containers if item.health is not None]
    steps: list[Step] = []
    spent = 0.0
    for status, after in (("HEALTHY", behaviour.healthy_after), ("UNHEALTHY", behaviour.unhealthy_after)):
        if checked and after is not None:
            delay = max(_draw(after, random) - spent, 0.0)
            changes = tuple(ContainerChange(name, health=status) for name in checked)
            steps.append(Step(delay, Change(containers=changes)))
            spent += delay
    return tuple(steps), spent


def end_of(task: Task, behaviour: Behaviour, random: Random, stop_timeout: float) -> tuple[Step, ...]:
    """The steps left for a task that is stopped now, from whatever state it is in."""
    rank = life.RANK[task.last_status]
    if rank <= life.RANK[life.PENDING]:
        never = tuple(ContainerChange(item.name, life.STOPPED) for item in task.containers)
        return (
            Step(0.0, Change(life.DEPROVISIONING, containers=never)),
            Step(_draw(behaviour.deprovisioning, random), Change(life.STOPPED)),
        )
    if rank == life.RANK[life.ACTIVATING]:
        # Its containers have not started: there is nothing to exit.
        behaviour = replace(behaviour, stopping=0.0, stop_exit_code=None)
    if rank <= life.RANK[life.RUNNING]:
        return _stopped_from_outside(task, behaviour, random, stop_timeout)
    return tuple(step for step in _ending(behaviour, random) if life.RANK[str(step.change.status)] > rank)


def _stopped_from_outside(
    task: Task, behaviour: Behaviour, random: Random, stop_timeout: float = 30.0
) -> tuple[Step, ...]:
    taking = _draw(behaviour.stopping, random)
    killed = taking > stop_timeout
    ended = _exits(task, behaviour, 137 if killed else behaviour.stop_exit_code)
    return (
        Step(_draw(behaviour.deactivating, random), Change(life.DEACTIVATING)),
        Step(0.0, Change(life.STOPPING)),
        Step(min(taking, stop_timeout), Change(life.DEPROVISIONING, containers=ended)),
        Step(_draw(behaviour.deprovisioning, random), Change(life.STOPPED)),
    )


def _ending(behaviour: Behaviour, random: Random) -> tuple[Step, ...]:
    return (
        Step(_draw(behaviour.deactivating, random), Change(life.STOPPING)),
        Step(0.0, Change(life.DEPROVISIONING)),
        Step(_draw(behaviour.deprovisioning, random), Change(life.STOPPED)),
    )


def _never_ran(delay: float, behaviour: Behaviour, random: Random) -> tuple[Step, ...]:
    change = Change(
        life.DEPROVISIONING,
        stop_code=behaviour.stop_code or "TaskFailedToStart",
        stopped_reason=behaviour.stopped_reason or NO_INTERFACE,
    )
    return (Step(delay, change), Step(_draw(behaviour.deprovisioning, random), Change(life.STOPPED)))


def _exits(task: Task, behaviour: Behaviour, exit_code: int | None) -> tuple[ContainerChange, ...]:
    """How the containers end; no exit code is known when the host is gone, or when none ever started."""

    def ends_with(name: str, *, essential: bool) -> int | None:
        if exit_code is None or behaviour.stop_code == UNHEALTHY[0]:
            return None
        return behaviour.sidecar_exit_codes.get(name, exit_code if essential else 0)

    return tuple(
        ContainerChange(
            item.name,
            life.STOPPED,
            exit_code=ends_with(item.name, essential=item.essential),
            reason=behaviour.container_reason if item.essential else None,
        )
        for item in task.containers
    )


def _draw(duration: Seconds, random: Random) -> float:
    return random.uniform(*duration) if isinstance(duration, tuple) else duration
