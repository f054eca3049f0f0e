"""Two schedulers share an account's limits without communication."""

from __future__ import annotations

from random import Random

import pytest

from local_cloud import Limits
from scenarios.world import World


def launched(world: World, numbers: range) -> int:
    """Return how many of these tasks have a container."""
    return sum(f"00000000-0000-4000-8000-{number:012d}" in world.containers() for number in numbers)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_schedulers_share_the_limits(seed: int) -> None:
    """Neither starves, AWS's rate is used, and few calls are throttled."""
    world = World()
    world.plane.faults.limits = Limits()
    other = world.scheduler()
    tasks = 600
    for _ in range(tasks):
        world.launch()
    for _ in range(tasks):
        world.launch(fleet=other)
    first, second = range(1, tasks + 1), range(tasks + 1, 2 * tasks + 1)
    # Who asks first is chance: always the same one first would have the other always find an empty bucket.
    chance, fleets = Random(seed), [world.fleet, other]  # noqa: S311  repeatable on purpose
    for _ in range(600):
        chance.shuffle(fleets)
        for fleet in fleets:
            world.step(fleet)
        world.clock.advance(0.05)
    mine, theirs = launched(world, first), launched(world, second)
    assert min(mine, theirs) >= 0.25 * (mine + theirs)
    assert mine + theirs >= 0.9 * 30 * 20  # AWS's rate is used, whoever uses it.
    assert world.plane.faults.injected["limit"] <= 0.03 * (mine + theirs)
    world.run(120, world.fleet, other, every=0.5)
    assert launched(world, first) + launched(world, second) == 2 * tasks
    assert set(world.containers().values()) == {1}
