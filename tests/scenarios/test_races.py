"""Races: answers, events, cancellations and faults at bad moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, EventFaults, Fault, fails_to_start
from scenarios.outages import Outage, changed, raised
from scenarios.world import Died, World

if TYPE_CHECKING:
    from airflow_fargate.fleet.fleet import Fleet


def test_a_client_that_cannot_be_made_delays_the_launch() -> None:
    """The first call finds no credentials, and the launch is made later."""
    world = World()
    source = world.fleet.launcher._clients
    failing = [OSError("metadata service"), OSError("metadata service")]

    def clients(service: str) -> Any:
        if service == "ecs" and failing:
            raise failing.pop()
        return source(service)

    world.fleet.launcher._clients = clients
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS


def test_a_launch_after_two_failures_has_its_own_token() -> None:
    """No capacity, then no network interface, then a third attempt."""
    world = World()
    world.plane.faults.add(Fault("capacity", times=1))
    world.engine.next_behaviours.append(fails_to_start())
    key = world.launch()
    world.run(90)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.plane.tasks()) == 2


def test_a_task_that_cannot_be_parsed_is_not_started_again() -> None:
    """RunTask returned a task without its ARN, so the same token is sent again."""
    world = World()
    world.plane.faults.events = EventFaults(lost=1.0)
    unreadable = changed(lambda _: {"tasks": [{"lastStatus": "PROVISIONING"}], "failures": []})
    world.outages.add(Outage(unreadable, "ecs", ("run_task",), times=2))
    key = world.launch()
    world.run(200)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.plane.tasks()) == 1


@pytest.mark.parametrize(("service", "operation"), [("s3", "put_object"), ("ecs", "run_task")])
def test_a_launcher_that_dies_loses_no_launch(service: str, operation: str) -> None:
    """A SystemExit ends the thread, and the next thread makes its launch."""
    world = World()
    world.outages.add(Outage(raised(Died), service, (operation,), times=1))
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.plane.tasks()) == 1


def test_a_new_scheduler_copes_with_the_tokens_of_the_previous_one() -> None:
    """The previous one had launched again, so the token belongs to a stopped container."""
    world = World()
    world.engine.next_behaviours.extend([fails_to_start(), fails_to_start()])
    key = world.launch()
    world.run(8)
    world.step(sync=False)
    assert len(world.plane.tasks()) == 2
    world.clock.advance(20)
    new_scheduler = world.scheduler()
    launch = world.a_launch(key)
    new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(90, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(new_scheduler.registry) == 0


@pytest.mark.parametrize("exit_code", [0, 80])
def test_a_stopped_task_without_details_is_described(exit_code: int) -> None:
    """The repeat returned only ARN and STOPPED, so the exit code is asked for."""
    world = World(Behaviour(run=0.1, exit_code=exit_code, provisioning=0, pending=0, deprovisioning=0.1))
    world.plane.faults.events = EventFaults(lost=1.0)
    world.plane.faults.add(Fault("lost", operations=("RunTask",), times=2))
    key = world.launch()
    world.run(90)
    assert world.finish(key).verdict.diagnosis.exit_code == exit_code


def test_revoking_a_launch_of_unknown_outcome_leaves_no_container() -> None:
    """The answer was lost and Airflow revokes the task: the container is found and stopped."""
    world = World(Behaviour(run=None))
    world.plane.faults.add(Fault("lost", operations=("RunTask",), times=1))
    key = world.launch()
    world.step(sync=False)
    world.fleet.revoke(key, "stuck")
    world.run(60)
    assert [task.last_status for task in world.plane.tasks()] == ["STOPPED"]
    assert world.told == []
    assert len(world.fleet.registry) == 0


def test_revoking_a_throttled_launch_launches_nothing_and_leaves_no_payload() -> None:
    """No container, no payload and no slot remain."""
    world = World()
    world.plane.faults.add(Fault("throttle", operations=("RunTask",), times=1))
    key = world.launch()
    world.step(sync=False)
    world.fleet.revoke(key, "stuck")
    world.run(60)
    assert world.plane.tasks() == ()
    assert world.s3.objects == {}
    assert len(world.fleet.registry) == 0


def test_revoking_a_launch_in_flight_launches_nothing() -> None:
    """RunTask answers "no capacity", and it is not retried."""
    world = World()
    world.plane.faults.add(Fault("capacity", times=1))
    key = world.launch()
    fleet = world.fleet
    fake = _Interposed(fleet, before=lambda: fleet.revoke(key, "stuck"))
    world.run(60)
    assert fake.calls == 1
    assert world.plane.tasks() == ()
    assert len(fleet.registry) == 0


def test_a_lost_answer_at_the_deadline_is_repeated() -> None:
    """A search would not see the container yet, so there is no orphan."""
    world = World(Behaviour(run=200), launch_timeout=10)
    world.plane.faults.describe_lag = 8.0
    world.plane.faults.add(Fault("throttle", operations=("RunTask",), until=10))
    world.plane.faults.add(Fault("lost", operations=("RunTask",), after=9.9, times=1))
    world.plane.faults.events = EventFaults(lost=1.0)
    key = world.launch()
    world.run(400)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert set(world.containers().values()) == {1}


def test_a_slow_log_does_not_delay_the_failure() -> None:
    """CloudWatch hangs, and the failure is reported without log lines in seconds."""
    world = World(Behaviour(exit_code=66))
    world.fleet.explainer.run_one = lambda: 1.0  # type: ignore[method-assign]
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.diagnosis.exit_code == 66


def test_notices_survive_a_fault_later_in_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread can be started and the reconciler fails: Airflow still gets the known outcomes."""
    world = World(reconcile_interval=1.0)
    key = world.launch()

    def broken(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(world.fleet.registry, "stale", broken)
    for thread in world.fleet._other_threads:
        monkeypatch.setattr(thread, "restart_if_dead", broken)
    world.run(40)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS


def test_a_container_that_survived_its_stop_is_stopped_again() -> None:
    """StopTask failed for too long, and the next change sends it again."""
    world = World(Behaviour(run=None), reconcile_interval=30.0)
    key = world.launch()
    world.run(20)
    world.plane.faults.add(Fault("throttle", operations=("StopTask",), until=60))
    world.fleet.revoke(key, "cleared")
    world.run(200)
    assert [task.last_status for task in world.plane.tasks()] == ["STOPPED"]
    assert len(world.fleet.registry) == 0


def test_a_late_answer_for_an_ended_task_stops_nothing() -> None:
    """The events arrived before RunTask's answer, and StopTask is not called."""
    world = World(Behaviour(run=0.1, provisioning=0, pending=0, deprovisioning=0.1))
    key = world.launch()
    posted: list[Any] = []
    world.fleet.launcher._post = posted.append
    world.run(10)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    for message in posted:
        world.fleet._inbox.put(message)
    world.run(5)
    assert world.plane.calls["StopTask"] == 0
    assert len(world.finished()[key]) == 1


def test_a_new_scheduler_does_not_double_a_container_that_is_not_listed_yet() -> None:
    """It was launched with a second token just before the restart, and is found later."""
    world = World(Behaviour(run=100))
    world.plane.faults.add(Fault("capacity", times=1))
    key = world.launch()
    for _ in range(3):
        world.step(sync=False)
        world.clock.advance(1)
    assert [task.client_token for task in world.plane.tasks()] == [f"{world.a_launch(key).launch_id}-1"]
    world.plane.faults.describe_lag = 10.0
    new_scheduler = world.scheduler()
    launch = world.a_launch(key)
    new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(200, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_terminating_calls_stop_task_before_it_returns() -> None:
    """The process may exit right afterwards."""
    world = World(Behaviour(run=None))
    for _ in range(5):
        world.launch()
    world.run(20)
    world.fleet.stop_all("terminated")
    assert world.plane.calls["StopTask"] == 5


class _Interposed:
    """Something that happens just before RunTask is called."""

    def __init__(self, fleet: Fleet, before: Any) -> None:
        self.calls = 0
        source = fleet.launcher._clients

        def clients(service: str) -> Any:
            client = source(service)
            if service != "ecs":
                return client
            outer = self

            class Client:
                def run_task(self, **request: Any) -> Any:
                    outer.calls += 1
                    before()
                    return client.run_task(**request)

            return Client()

        fleet.launcher._clients = clients
