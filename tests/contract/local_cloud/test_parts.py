"""The small pure parts, each by itself."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud import ManualClock
from local_cloud.containers import pause
from local_cloud.containers.create_request import map_image
from local_cloud.containers.logs import MAX_EVENT_BYTES, LineSplitter, ship
from local_cloud.ecs import lifecycle
from local_cloud.ecs.definitions import parse_units
from local_cloud.ecs.launch_request import parse_launch_request
from local_cloud.ecs.lifecycle import Change, ContainerChange, IllegalTransition, way_down
from local_cloud.ecs.records import Task, evolve
from local_cloud.faults.limits import TokenBucket

if TYPE_CHECKING:
    from contract.local_cloud.worlds import SimulatedWorld


@pytest.fixture
def task(simulated: SimulatedWorld) -> Task:
    """A task in PROVISIONING."""
    simulated.start()
    return simulated.plane.tasks()[0]


def test_a_stale_or_repeated_change_is_no_change(task: Task) -> None:
    """The same record comes back: no version, no event."""
    running = lifecycle.apply(lifecycle.apply(task, Change("PENDING"), 1.0), Change("ACTIVATING"), 2.0)
    assert lifecycle.apply(running, Change("PENDING"), 3.0) is running
    assert lifecycle.apply(running, Change("ACTIVATING"), 3.0) is running
    assert lifecycle.apply(running, Change(stamps=("created_at",)), 3.0) is running


def test_a_step_the_table_does_not_have_is_refused(task: Task) -> None:
    """Nothing skips a state."""
    with pytest.raises(IllegalTransition):
        lifecycle.apply(task, Change("RUNNING"), 1.0)


def test_the_first_cause_of_an_end_stays(task: Task) -> None:
    """Stopped by a user and then dead anyway: UserInitiated."""
    told = lifecycle.apply(task, Change(stop_code="UserInitiated", stopped_reason="a"), 1.0)
    ended = lifecycle.apply(told, Change("DEPROVISIONING", "TaskFailedToStart", "b"), 2.0)
    assert (ended.stop_code, ended.stopped_reason, ended.stopping_at) == ("UserInitiated", "a", 1.0)


def test_nothing_happens_to_a_stopped_task(task: Task) -> None:
    """STOPPED is the end: not even a container's late exit code."""
    stopped = lifecycle.apply(lifecycle.apply(task, Change("DEPROVISIONING"), 1.0), Change("STOPPED"), 2.0)
    late = Change(containers=(ContainerChange("worker", exit_code=1),))
    assert lifecycle.apply(stopped, late, 3.0) is stopped


@pytest.mark.parametrize("status", lifecycle.NEXT)
def test_the_way_down_follows_the_table(status: str) -> None:
    """From any state the steps to DEPROVISIONING are steps of the table."""
    steps = (status, *way_down(status))
    assert all(after in lifecycle.NEXT[before] for before, after in pairwise(steps))
    assert steps[-1] in ("DEPROVISIONING", "STOPPED")


def test_evolve_is_replace(task: Task) -> None:
    """The quick copy equals the slow one and leaves the original alone."""
    assert evolve(task, {"version": 9}) == replace(task, version=9)
    assert task.version == 1


@given(st.lists(st.binary(max_size=40)))
def test_lines_are_whole_however_the_output_is_cut(chunks: list[bytes]) -> None:
    """Any cut of the bytes gives the lines of the whole."""
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.end()
    whole = b"".join(chunks).split(b"\n")
    expected = [line.removesuffix(b"\r").decode("utf-8", "replace") for line in whole]
    assert lines == (expected if whole[-1] else expected[:-1])


def test_a_line_beyond_cloudwatchs_limit_is_cut_into_pieces() -> None:
    """Nothing of it is lost."""
    splitter, line = LineSplitter(), b"x" * (2 * MAX_EVENT_BYTES + 10)
    pieces = splitter.feed(line) + splitter.feed(b"y\n")
    assert "".join(pieces) == line.decode() + "y"
    assert max(map(len, pieces)) == MAX_EVENT_BYTES


def test_empty_lines_are_left_out_and_times_are_milliseconds() -> None:
    """As the awslogs driver writes them."""

    class Stream:
        def __init__(self) -> None:
            self.events: list[tuple[int, str]] = []

        def put(self, events: list[tuple[int, str]]) -> None:
            self.events += events

    stream = Stream()
    ship([(b"a\n\n", None), (None, b"b")], stream, now=lambda: 1.5)
    assert stream.events == [(1500, "a"), (1500, "b")]


@pytest.mark.parametrize(
    ("text", "units"),
    [("256", 256), (".25 vCPU", 256), ("1vcpu", 1024), (512, 512), (None, None), ("", None)],
)
def test_cpu_is_units_or_vcpus(text: str | int | None, units: int | None) -> None:
    """ECS takes both."""
    assert parse_units(text) == units


@pytest.mark.parametrize("text", ["much", "1 GB", "1 2 3"])
def test_anything_else_is_no_cpu(text: str) -> None:
    """A wrong unit is an error, not a guess."""
    with pytest.raises(ValueError):  # noqa: PT011 - int() has its own words
        parse_units(text)


def test_only_images_of_ecr_are_looked_for_in_the_registry() -> None:
    """Tag and digest stay; other references and a missing registry change nothing."""
    ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker:1@sha256:abc"
    assert map_image(ecr, "127.0.0.1:5000") == "127.0.0.1:5000/team/worker:1@sha256:abc"
    assert map_image(ecr, None) == ecr
    assert map_image("busybox:1", "127.0.0.1:5000") == "busybox:1"


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_pause_program_is_an_executable_whose_entry_is_its_code(architecture: str) -> None:
    """ELF, static, one segment that holds all of it."""
    program = pause.binary(architecture)
    kind, _, _, entry = struct.unpack_from("<HHIQ", program, 16)
    size = struct.unpack_from("<Q", program, 64 + 32)[0]
    assert program.startswith(b"\x7fELF")
    assert (kind, entry - pause.BASE, size) == (2, pause.HEADERS, len(program))


def test_there_is_no_pause_program_for_other_machines() -> None:
    """The error names the architecture."""
    with pytest.raises(ValueError, match="riscv64"):
        pause.binary("riscv64")


@given(st.lists(st.floats(0, 3), max_size=200))
def test_a_bucket_never_gives_more_than_burst_and_rate(gaps: list[float]) -> None:
    """In any stretch of time at most burst + rate x seconds."""
    bucket, now, given_out = TokenBucket(burst=5, rate=2), 0.0, 0
    for gap in gaps:
        now += gap
        given_out += bucket.take(now)
    assert given_out <= 5 + 2 * now + 1e-6


def test_calls_run_in_the_order_of_their_time_each_at_its_own() -> None:
    """Whatever the order they were asked for in; a cancelled one does not run; a call may ask for another."""
    clock, ran = ManualClock(0.0), []
    clock.call_later(2, lambda: ran.append(("b", clock.now())))

    def ask_for_another() -> None:
        clock.call_later(0.5, lambda: ran.append(("a", clock.now())))

    clock.call_later(1, ask_for_another)
    clock.call_later(1.7, lambda: ran.append(("never", clock.now()))).cancel()
    clock.advance(3)
    assert ran == [("a", 1.5), ("b", 2.0)]
    assert clock.now() == 3.0
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(1.0)


def test_a_request_is_parsed_once_with_its_overrides_applied(simulated: SimulatedWorld) -> None:
    """What engines get says what runs: sizes, command, environment."""
    family = simulated.define({"command": ["a"], "environment": [{"name": "A", "value": "1"}]})
    override = {"name": "worker", "command": ["b"], "environment": [{"name": "B", "value": "2"}]}
    parameters = simulated.request(
        family, overrides={"cpu": "512", "memory": "1 GB", "containerOverrides": [override]}
    )
    request = parse_launch_request(parameters, simulated.plane.catalog, "us-east-1")
    worker = request.definition.containers[0]
    assert (request.definition.cpu, request.definition.memory) == (512, 1024)
    assert (worker.command, dict(worker.environment)) == (("b",), {"A": "1", "B": "2"})
