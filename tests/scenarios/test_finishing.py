"""Tasks end: by events, by polling, and in spite of faults in both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, EventFaults, Fault, out_of_memory, spot_interrupted
from scenarios.world import QUEUE_URL, World


def test_events_alone_are_enough() -> None:
    """With a queue, a task that ends soon is never described."""
    world = World()
    world.launch()
    world.run(40)
    assert world.plane.calls["DescribeTasks"] == 0
    assert len(world.sqs) == 0


def test_without_a_queue_tasks_are_described() -> None:
    """The reconciler finds their end."""
    world = World(event_queue_url="", reconcile_interval=5.0)
    key = world.launch()
    world.run(40)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS


def test_lost_doubled_and_late_events_change_nothing() -> None:
    """With a tenth of the events lost, doubled or reordered, every task ends once, correctly."""
    world = World(Behaviour(run=(1.0, 60.0)), seed=3)
    world.plane.faults.events = EventFaults(lost=0.1, duplicated=0.1, delayed=0.2)
    keys = [world.launch() for _ in range(100)]
    world.run(240)
    assert {key: len(ends) for key, ends in world.finished().items()} == dict.fromkeys(keys, 1)
    assert world.succeeded() == 100
    assert len(world.fleet.registry) == 0


def test_a_task_killed_for_memory_names_the_next_size() -> None:
    """The message has the memory that it had, and the next size."""
    world = World(out_of_memory())
    key = world.launch()
    world.run(40)
    told = str(world.finish(key).verdict.diagnosis)
    assert "ran out of memory at 512 MiB" in told
    assert "executor_config={'memory': 1024}" in told


def test_a_spot_interruption_while_running_is_left_to_airflow() -> None:
    """A task that ran is never launched again by the executor."""
    world = World(spot_interrupted())
    key = world.launch()
    world.run(40)
    verdict = world.finish(key).verdict
    assert verdict.outcome is Outcome.FAILED
    assert "Spot" in verdict.diagnosis.summary
    assert len(world.plane.tasks()) == 1


def test_a_young_task_that_ecs_does_not_know_yet_is_not_lost() -> None:
    """DescribeTasks is eventually consistent, so a short absence means nothing."""
    world = World(event_queue_url="", reconcile_interval=5.0)
    world.plane.faults.describe_lag = 60.0
    key = world.launch()
    world.run(120)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS


def test_a_poison_message_delays_no_event() -> None:
    """It stays for the dead-letter queue, and the others are handled."""
    world = World()
    world.sqs.put("not json")
    world.sqs.put('{"detail-type": "ECS Task State Change", "source": "aws.ecs", "detail": {"taskArn": 7}}')
    key = world.launch()
    world.run(40)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.sqs) == 2


def test_events_reach_the_scheduler_that_owns_the_task() -> None:
    """Two schedulers share a queue, and each gets the events of its own tasks."""
    world = World()
    other = world.scheduler()
    mine, theirs = world.launch(), world.launch(fleet=other)
    world.run(60, world.fleet, other)
    assert set(world.finished()) == {mine, theirs}
    assert world.plane.calls["DescribeTasks"] == 0


def test_revoking_stops_the_container_and_reports_nothing() -> None:
    """StopTask is called, and the slot is free."""
    world = World(Behaviour(run=None))
    key = world.launch()
    world.run(20)
    world.fleet.revoke(key, "cleared")
    world.run(40)
    assert world.finished() == {}
    assert [task.last_status for task in world.plane.tasks()] == ["STOPPED"]
    assert len(world.fleet.registry) == 0


def test_revoking_before_the_launch_launches_nothing() -> None:
    """No container is started."""
    world = World()
    key = world.launch()
    world.fleet.revoke(key, "stuck")
    world.run(10)
    assert world.plane.tasks() == ()
    assert len(world.fleet.registry) == 0


def test_stop_all_stops_every_container() -> None:
    """terminate() stops every container of the deployment."""
    world = World(Behaviour(run=None))
    for _ in range(5):
        world.launch()
    world.run(20)
    world.fleet.stop_all("terminated")
    world.run(60)
    assert {task.last_status for task in world.plane.tasks()} == {"STOPPED"}


def test_a_task_that_resumes_is_not_ended_by_its_first_container() -> None:
    """It is queued again under its key, and the late end of the first container is not reported."""
    world = World(Behaviour(run=10))
    key = world.launch()
    world.run(8)
    second = replace(world.a_launch(key), launch_id="11111111-0000-4000-8000-000000000001")
    world.engine.default = Behaviour(run=40)
    world.fleet.launch(second)
    world.run(20)
    assert world.finished() == {}
    world.run(60)
    (told,) = world.finished()[key]
    assert told.verdict.diagnosis.arn == world.plane.tasks()[1].arn


def test_a_final_exit_code_is_reported_before_stopped() -> None:
    """The network interface takes a minute to go; STOPPED then changes nothing."""
    world = World(Behaviour(run=5, deprovisioning=60))
    key = world.launch()
    world.run(20)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    (task,) = world.plane.tasks()
    assert task.last_status == "DEPROVISIONING"
    world.run(90)
    assert world.succeeded() == 1
    assert world.visible() == 0


@pytest.mark.parametrize(
    ("exit_code", "outcome"),
    [(80, Outcome.FAILED), (81, Outcome.RESUMES_LATER), (82, Outcome.SUCCESS)],
)
def test_the_workers_own_codes_free_the_slot_before_the_task_is_stopped(
    exit_code: int, outcome: Outcome
) -> None:
    """A failed, a rescheduled and a cleared task end while ECS still cleans up."""
    world = World(Behaviour(run=5, deprovisioning=60, exit_code=exit_code))
    key = world.launch()
    world.run(20)
    assert world.finish(key).verdict.outcome is outcome
    assert [task.last_status for task in world.plane.tasks()] == ["DEPROVISIONING"]


def test_a_failed_worker_is_reported_with_its_last_lines() -> None:
    """With exit code 1 (an ImportError, a broken image), only the container's log has the reason."""
    world = World(Behaviour(exit_code=1), log_group="/worker")
    key = world.launch()
    world.run(60)
    verdict = world.finish(key).verdict
    assert verdict.outcome is Outcome.FAILED
    assert "The worker itself failed" in str(verdict.diagnosis)
    assert verdict.diagnosis.log_lines


def test_a_crash_is_reported_when_its_cause_is_known() -> None:
    """For any other exit code, the verdict waits for ECS's stop code."""
    world = World(Behaviour(run=5, deprovisioning=60, exit_code=139))
    key = world.launch()
    world.run(20)
    assert world.finished() == {}
    world.run(90)
    assert world.finish(key).verdict.outcome is Outcome.FAILED


def test_tasks_without_news_are_described_at_a_steady_rate() -> None:
    """With two thousand running tasks and events, no minute has more than twenty calls."""
    world = World(Behaviour(run=None), run_task_burst=4000, launch_burst=4000)
    for _ in range(2000):
        world.launch()
    world.run(10)
    before = world.plane.calls["DescribeTasks"]
    for _ in range(4):
        world.run(60)
        calls = world.plane.calls["DescribeTasks"] - before
        assert calls <= 20
        before += calls
    assert before >= 40


class _Sink:
    def __init__(self) -> None:
        self.sums: dict[str, float] = {}

    def incr(self, stat: str, count: int, *, tags: dict[str, str] | None = None) -> None:
        self.sums[stat] = self.sums.get(stat, 0) + count

    def timing(self, stat: str, dt: float, *, tags: dict[str, str] | None = None) -> None:
        self.sums[stat] = self.sums.get(stat, 0) + dt

    def gauge(self, stat: str, value: float, *, tags: dict[str, str] | None = None) -> None:
        self.sums[stat] = value


def test_metrics_count_what_happens() -> None:
    """Launches, errors, throttling, finds of the reconciler, stale events, and a task's times."""
    world = World(
        event_queue_url=QUEUE_URL, capacity_chain=("FARGATE_SPOT", "FARGATE"), reconcile_interval=30.0
    )
    world.plane.faults.add(
        Fault("capacity", provider="FARGATE_SPOT", times=1),
        Fault("throttle", operations=("RunTask",), times=1),
    )
    world.plane.faults.events = EventFaults(duplicated=1.0)
    for _ in range(3):
        world.launch()
    world.run(30)
    world.plane.faults.events = EventFaults(lost=1.0)
    world.launch()
    world.run(120)
    sink = _Sink()
    world.fleet.metrics.send(sink, len(world.fleet.registry))
    assert sink.sums["fargate.launches"] == 4
    assert sink.sums["fargate.capacity_refusals"] == 1
    assert sink.sums["fargate.throttles"] == 1
    assert sink.sums["fargate.reconcile_finds"] >= 1
    assert sink.sums["fargate.stale_changes"] >= 3
    assert sink.sums["fargate.run_seconds"] >= 3 * 10_000
    assert sink.sums["fargate.tasks"] == 0
