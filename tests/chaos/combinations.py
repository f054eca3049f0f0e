"""Random combinations of faults, outages, exits, restarts and clock jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import NoCredentialsError
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from chaos import acts, standby_acts
from chaos.launching import EXPIRED, TIMEOUT
from chaos.receiving import POISON
from chaos.scenario import is_doomed
from chaos.stage import GOOD, NOT_FOUND, Stage, Sums
from local_cloud import (
    Behaviour,
    EventFaults,
    Fault,
    fails_to_start,
    host_failed,
    out_of_memory,
    spot_interrupted,
    spot_taken_before_start,
)
from scenarios.outages import Outage, answered, done_and_raised, raised, refused

Act = Callable[[Stage], None]

ENDS = {
    "good": GOOD,
    "at once": Behaviour(0.0, 0.0, 0.0, 0.1, 0.0, 0.0, 0.1),
    "long": Behaviour(run=(60.0, 200.0)),
    "exit 1": Behaviour(exit_code=1),
    "exit 80": Behaviour(exit_code=80),
    "exit 81": Behaviour(exit_code=81),
    "exit 82": Behaviour(exit_code=82),
    "exit 66": Behaviour(exit_code=66),
    "out of memory": out_of_memory(),
    "Spot taken": spot_interrupted(),
    "Spot taken before": spot_taken_before_start(),
    "host failed": host_failed(),
    "no interface": fails_to_start(),
    "no image": fails_to_start(NOT_FOUND, fails_in="PENDING"),
}
STRIKES = {
    "credentials expired": (EXPIRED, "", ()),
    "no credentials": (raised(NoCredentialsError), "", ()),
    "no client": (raised(lambda: OSError("metadata")), "", ("client",)),
    "ECS times out": (raised(lambda: TIMEOUT), "ecs", ()),
    "ECS answers late": (done_and_raised(lambda: TimeoutError("read")), "ecs", ()),
    "RunTask is empty": (answered({}), "ecs", ("run_task",)),
    "DescribeTasks is empty": (answered({}), "ecs", ("describe_tasks",)),
    "S3 answers late": (done_and_raised(lambda: TimeoutError("read")), "s3", ()),
    "S3 is slow": (refused("SlowDown", status=503), "s3", ()),
    "SQS fails": (refused("ServiceUnavailable", status=503), "sqs", ()),
    "SQS answers late": (done_and_raised(lambda: TimeoutError("read")), "sqs", ()),
    "logs fail": (refused("ThrottlingException"), "logs", ()),
}
ACTS: dict[str, Act] = {
    "launch": acts.launch(3),
    "revoke": acts.revoke,
    "kill": acts.kill,
    "kill before sync": acts.kill_before_sync,
    "kill for two minutes": acts.kill_for(120.0),
    "kill one of two": lambda stage: acts.kill_one_of_two(stage) if len(stage.schedulers) > 1 else None,
    "end in order": acts.end_in_order,
    "freeze": acts.freeze(90.0),
    "wall clock ahead": acts.wall_clock(7200.0),
    "wall clock behind": acts.wall_clock(-7200.0),
    "queue deleted": acts.without_queue(60.0),
    "replay": acts.replay,
    "poison": acts.poison(*POISON),
    "standby hangs": standby_acts.flag("hang_at_claim"),
    "standby dies at its claim": standby_acts.flag("die_at_claim"),
    "standby dies with its task": standby_acts.flag("die_after_claim"),
    "standby is told to stop": standby_acts.flag("stop_at_claim"),
    "standbys wake up": standby_acts.wake,
    "standbys stopped": standby_acts.stop_idle_by_hand,
    "new revision": lambda stage: stage.world.create_task_definition(),
}
KINDS = ("throttle", "hidden_throttle", "server_error", "server_error_after", "lost", "capacity")


@dataclass(frozen=True)
class Combination:
    """One example, as hypothesis shows it when it fails.

    ends: of the first containers. faults: (kind, operations, probability, from, to). strikes: (name,
    probability, from, to). events: lost, doubled, overtaken. acts: (seconds since the act before, name).
    """

    ends: tuple[str, ...] = ()
    faults: tuple[tuple[str, tuple[str, ...], float, int, int], ...] = ()
    strikes: tuple[tuple[str, float, int, int], ...] = ()
    events: tuple[float, float, float] = (0.0, 0.0, 0.0)
    acts: tuple[tuple[int, str], ...] = ()
    lag: float = 0.0
    queue: bool = True
    chain: bool = False
    schedulers: int = 1
    standbys: int = 0
    seed: int = 0


def _tuples(of: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


CHANCES = st.sampled_from([0.1, 0.5, 1.0])
BEGIN, END = st.integers(0, 100), st.integers(30, 240)
OPERATIONS = st.sampled_from([(), ("RunTask",), ("RunTask", "ListTasks"), ("DescribeTasks",), ("StopTask",)])
COMBINATIONS = st.builds(
    Combination,
    ends=_tuples(st.sampled_from(sorted(ENDS)), 12),
    faults=_tuples(st.tuples(st.sampled_from(KINDS), OPERATIONS, CHANCES, BEGIN, END), 3),
    strikes=_tuples(st.tuples(st.sampled_from(sorted(STRIKES)), CHANCES, BEGIN, END), 3),
    events=st.tuples(
        st.sampled_from([0.0, 0.2, 1.0]), st.sampled_from([0.0, 0.3]), st.sampled_from([0.0, 0.3])
    ),
    acts=_tuples(st.tuples(st.integers(0, 40), st.sampled_from(sorted(ACTS))), 8),
    lag=st.sampled_from([0.0, 0.0, 10.0]),
    queue=st.booleans(),
    chain=st.booleans(),
    schedulers=st.sampled_from([1, 1, 2]),
    standbys=st.sampled_from([0, 2]),
    seed=st.integers(0, 10_000),
)


def play_combination(given_: Combination) -> Sums:
    """Run one combination to its end."""
    config: dict[str, Any] = {"launch_timeout": 900.0}
    if not given_.queue:
        config["event_queue_url"] = ""
    if given_.chain:
        config["capacity_chain"] = ("FARGATE_SPOT", "FARGATE")
    if given_.standbys:
        config["standby"] = {"default": {"min": given_.standbys}}
    stage = Stage(GOOD, given_.seed, given_.schedulers, **config)
    world = stage.world
    world.engine.next_behaviours.extend(ENDS[each] for each in given_.ends)
    world.plane.faults.add(
        *(
            Fault(kind, operations, chance, after=float(begin), until=float(end))
            for kind, operations, chance, begin, end in given_.faults
        )
    )
    world.plane.faults.events = EventFaults(*given_.events, delay=(0.5, 30.0))
    world.plane.faults.describe_lag = given_.lag
    world.outages.add(
        *(
            Outage(*STRIKES[name], after=float(begin), until=float(end), probability=chance)
            for name, chance, begin, end in given_.strikes
        )
    )
    stage.acts += sum(each not in ("good", "long") for each in given_.ends)
    stage.acts += len(given_.acts) + bool(given_.lag)
    if given_.standbys:
        stage.run(world.clock.now() + 45)
    stage.launch(5)
    for pause, name in given_.acts:
        stage.run(world.clock.now() + pause)
        ACTS[name](stage)
    stage.run(world.clock.now() + 60)
    stage.run(world.clock.now() + 1200, every=3.0)
    sums = stage.sums(is_doomed)
    died = any(name.startswith(("kill", "end")) for _, name in given_.acts)
    if died and any(each.revoked for each in stage.everybody()):
        # What a killed scheduler was about to stop is the reaper's.
        sums += Sums(left=-sums.left)
    return sums


def search(examples: int, number: int) -> tuple[Sums, int]:
    """Play so many combinations from a seed; return their sums and how many they were.

    Raises:
        AssertionError: one of them has a figure that is not 0; hypothesis has shrunk it and notes it.
    """
    total, played = Sums(), 0

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(COMBINATIONS)
    def combination(example: Combination) -> None:
        nonlocal total, played
        sums = play_combination(example)
        total, played = total + sums, played + 1
        note(f"{sums}")
        assert sums.faulty == 0, f"{example}: {sums}"

    combination()
    return total, played
