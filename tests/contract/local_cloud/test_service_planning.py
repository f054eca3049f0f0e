"""What the service scheduler does next, from the tasks there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local_cloud import Container, Task
from local_cloud.services.planning import Bounds, plan

TASK = Task(
    arn="arn",
    task_id="id",
    region="r",
    account="a",
    cluster_arn="c",
    cluster_name="c",
    definition_arn="d",
    family="f",
    group="service:s",
    launch_type="FARGATE",
    cpu="256",
    memory="512",
    containers=(),
    created_at=0.0,
    availability_zone="a",
)


def tasks(kinds: str, first: int = 0) -> list[Task]:
    """One task a letter: running, pending, starting (no health yet), healthy, unhealthy, x (stopping)."""
    made = []
    for number, kind in enumerate(kinds, first):
        health = {"s": "UNKNOWN", "h": "HEALTHY", "u": "UNHEALTHY"}.get(kind)
        container = Container("arn", "c", "i", "0", health=health)
        made.append(
            replace(
                TASK,
                arn=f"{kind}{number}",
                created_at=float(number),
                containers=(container,),
                last_status="PENDING" if kind == "p" else "RUNNING",
                desired_status="STOPPED" if kind == "x" else "RUNNING",
            )
        )
    return made


@pytest.mark.parametrize(
    ("mine", "old", "bounds", "launch", "stopped"),
    [
        # Nothing to do, scaling out, scaling in: the youngest and those that do not run yet go first.
        ("rr", "", (2, 2, 4), 0, []),
        ("r", "", (3, 3, 6), 2, []),
        ("rrr", "", (1, 1, 2), 0, ["r2", "r1"]),
        ("rpr", "", (2, 2, 4), 0, ["p1"]),
        # Rolling: new ones first; an old one goes for each new one that is healthy.
        ("", "rr", (2, 2, 4), 2, []),
        ("pp", "rr", (2, 2, 4), 0, []),
        ("ss", "rr", (2, 2, 4), 0, []),
        ("hp", "rr", (2, 2, 4), 0, ["r2"]),
        ("hh", "rr", (2, 2, 4), 0, ["r2", "r3"]),
        # Old ones that are of no use go at once.
        ("p", "p", (1, 1, 2), 0, ["p1"]),
        ("p", "u", (1, 1, 2), 0, ["u1"]),
        # Room: a task that is being stopped takes it as long as it runs.
        ("", "x", (1, 0, 1), 0, []),
        ("", "r", (1, 0, 1), 0, ["r0"]),
        ("", "rrrr", (4, 2, 4), 0, ["r0", "r1"]),
        ("", "rrrr", (4, 2, 6), 2, ["r0", "r1"]),
        # Scaled to 0.
        ("rp", "r", (0, 0, 0), 0, ["p1", "r0", "r2"]),
    ],
)
def test_the_plan_of_a_rollout(
    mine: str, old: str, bounds: tuple[int, int, int], launch: int, stopped: list[str]
) -> None:
    """Between minimum and maximum, new tasks before old ones go."""
    found = plan(tasks(mine), tasks(old, len(mine)), Bounds(*bounds), may_launch=True, settled=False)
    assert found.launch == launch
    assert [task.arn for task in found.surplus] == stopped
    assert found.unhealthy == ()


@pytest.mark.parametrize(
    ("mine", "settled", "maximum", "launch", "stopped"),
    [
        # In a rollout an unhealthy task stops at once.
        ("u", False, 2, 1, ["u0"]),
        # In steady state its replacement comes first, where there is room.
        ("u", True, 2, 1, []),
        ("us", True, 2, 0, []),
        ("uh", True, 2, 0, ["u0"]),
        ("u", True, 1, 0, ["u0"]),
        ("uu", True, 2, 0, ["u0", "u1"]),
    ],
)
def test_the_plan_for_an_unhealthy_task(
    mine: str,
    settled: bool,  # noqa: FBT001
    maximum: int,
    launch: int,
    stopped: list[str],
) -> None:
    """One task is wanted."""
    found = plan(tasks(mine), [], Bounds(1, 0, maximum), may_launch=True, settled=settled)
    assert found.launch == launch
    assert [task.arn for task in found.unhealthy] == stopped


def test_what_may_not_launch_does_not_stop_old_tasks_for_room() -> None:
    """A deployment that waits or has failed leaves the old one alone."""
    found = plan([], tasks("r"), Bounds(1, 0, 1), may_launch=False, settled=False)
    assert (found.launch, found.surplus) == (0, ())
