"""The catalogue, fourth part: schedulers that die and threads that do, adoption, clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow_fargate import airflow_versions
from airflow_fargate.fleet import adoption
from chaos import acts
from chaos.hearing import HEARING, LONG, LOST
from chaos.scenario import Scenario
from local_cloud import Behaviour, EventFaults, Fault
from scenarios.outages import Outage, raised, refused
from scenarios.world import Died

if TYPE_CHECKING:
    from chaos.stage import Stage

HANGS = Behaviour(run=(250.0, 300.0))


def _adopt_without_database(stage: Stage) -> None:
    """The scheduler dies; while its tasks are adopted, the database goes away once: Airflow tries again."""
    scheduler = stage.schedulers[0]
    scheduler.fleet = stage.world.scheduler()
    offered = [_task_instance(stage, key) for key in sorted(scheduler.running)]
    gone = airflow_versions.OperationalError("SELECT", {}, Exception("server closed the connection"))
    for times, fault in enumerate((gone, None)):
        with mock.patch.object(airflow_versions, "load_for_adoption", side_effect=fault):
            try:
                left = _adopt(stage, offered)
            except airflow_versions.OperationalError:
                continue
            if times == 0 or left:
                raise RuntimeError("the database's error reaches Airflow, then everything is taken")


def _adopt_unreadable_workloads(stage: Stage) -> None:
    """The scheduler dies; the workloads of its queued tasks cannot be made anew: they are looked for."""
    scheduler = stage.schedulers[0]
    scheduler.fleet = stage.world.scheduler()
    offered = [_task_instance(stage, key) for key in sorted(scheduler.running)]
    with mock.patch.object(airflow_versions.Rebuilder, "work", side_effect=RuntimeError("no such DAG")):
        left = adoption.adopt(offered, scheduler.fleet, scheduler.running, lambda workload: workload)
    if left:
        raise RuntimeError("everything that was offered is taken")


def _adopt(stage: Stage, offered: list[Any]) -> list[Any]:
    """Adopt on the scheduler's new fleet; what is queued may be launched."""
    scheduler = stage.schedulers[0]
    with mock.patch.object(airflow_versions.Rebuilder, "work", lambda _, ti: ti):
        return adoption.adopt(
            offered, scheduler.fleet, scheduler.running, lambda ti: stage.world.a_launch(ti.key)
        )


def _adopt_one_broken(stage: Stage) -> None:
    """One of the task instances offered for adoption cannot be read: only it is left to Airflow."""
    scheduler = stage.schedulers[0]
    scheduler.fleet = stage.world.scheduler()
    offered = [_task_instance(stage, key) for key in sorted(scheduler.running)]
    offered[0].external_executor_id = 7
    keys = set(scheduler.running)
    left = adoption.adopt(offered, scheduler.fleet, scheduler.running, lambda workload: workload)
    if [each.key for each in left] != [offered[0].key] or scheduler.running != keys:
        raise RuntimeError("exactly the broken one is left to Airflow")
    # Airflow resets it, which queues it anew; here its own id stands for that.
    scheduler.offer({offered[0].key})


def _task_instance(stage: Stage, key: Any) -> Any:
    known = stage.schedulers[0].arns.get(key, "")
    return SimpleNamespace(
        key=key,
        external_executor_id=known or stage.world.a_launch(key).launch_id,
        state="running" if known else "queued",
        queued_dttm=datetime.now(tz=timezone.utc),
    )


def _few_receives(stage: Stage) -> str:
    """A dead scheduler's events are not handed on for ever."""
    return "" if len(stage.world.sqs) == 0 else f"{len(stage.world.sqs)} messages stay in the queue"


SURVIVING = (
    Scenario(
        "killed",
        "the scheduler is killed while tasks run",
        "#35491, #36803",
        behaviour=LONG,
        acts=((30.0, acts.kill),),
    ),
    Scenario(
        "killed before RunTask",
        "killed with everything queued and nothing launched",
        "#35491",
        acts=((0.0, acts.kill),),
    ),
    Scenario(
        "killed after RunTask",
        "killed when RunTask was answered and nobody told",
        "#35491; second container",
        behaviour=LONG,
        acts=((0.0, acts.kill_before_sync),),
    ),
    Scenario(
        "killed, and blind",
        "the same, and ListTasks does not show the young yet",
        "eventually consistent",
        behaviour=LONG,
        lag=30.0,
        acts=((0.0, acts.kill_before_sync),),
    ),
    Scenario(
        "killed while throttled",
        "killed half-way through a burst at AWS's limits",
        "#35491",
        tasks=200,
        limits=True,
        behaviour=LONG,
        acts=((4.0, acts.kill_before_sync),),
    ),
    Scenario(
        "killed again and again",
        "a crash loop: killed every five seconds",
        "#37786",
        behaviour=LONG,
        acts=tuple((float(at), acts.kill_before_sync) for at in range(0, 60, 5)),
    ),
    Scenario(
        "killed with a lost answer",
        "RunTask's answers are lost, then the scheduler",
        "#35491, clientToken",
        behaviour=LONG,
        faults=(Fault("lost", ("RunTask",), until=10),),
        acts=((3.0, acts.kill_before_sync),),
    ),
    Scenario(
        "down for half an hour",
        "no scheduler while tasks run and end",
        "stopped visible 1 h; #55004",
        acts=((20.0, acts.kill_for(1800.0)),),
    ),
    Scenario(
        "ended in order",
        "end() and a new scheduler in the middle of a burst",
        "#16881",
        tasks=100,
        limits=True,
        behaviour=LONG,
        acts=((3.0, acts.end_in_order),),
    ),
    Scenario(
        "adopting without the database",
        "the query for queued workloads fails while adopting",
        "#64971",
        "what was launched succeeds",
        behaviour=LONG,
        acts=((30.0, _adopt_without_database),),
    ),
    Scenario(
        "launched, and no database",
        "the same for what was launched and never recorded",
        "#64971",
        "found by launch id; all succeed",
        behaviour=LONG,
        acts=((0.5, acts.freeze(0.0)), (1.0, _adopt_without_database)),
    ),
    Scenario(
        "queued, and no database",
        "the same for what was queued and never launched",
        "#64971",
        "Airflow adopts again; all are launched and succeed",
        acts=((0.0, _adopt_without_database),),
    ),
    Scenario(
        "queued, and no workloads",
        "the workloads of queued tasks cannot be made anew while adopting",
        "#64971",
        "looked for, found nowhere, and failed with the reason",
        fail=10,
        refuse=10,
        containers=0,
        says="could not rebuild this task's workload",
        acts=((0.0, _adopt_unreadable_workloads),),
    ),
    Scenario(
        "one broken task instance",
        "one of those offered for adoption cannot be read",
        "provider: one poison entry",
        behaviour=LONG,
        acts=((30.0, _adopt_one_broken),),
    ),
    Scenario(
        "two schedulers",
        "two share the queue, half of the events are late",
        "#35491; ADR 4",
        tasks=40,
        schedulers=2,
        events=EventFaults(delayed=0.5, duplicated=0.3),
    ),
    Scenario(
        "one of two killed",
        "two share the queue, one dies with events in its hands",
        "#35491",
        tasks=40,
        schedulers=2,
        behaviour=LONG,
        acts=((45.0, acts.kill_one_of_two),),
        check=_few_receives,
    ),
    Scenario(
        "taken for dead",
        "one of two hangs in the middle of a burst, its threads go on, the other adopts; then it dies",
        "#35491; clientToken",
        tasks=100,
        limits=True,
        schedulers=2,
        acts=((2.0, acts.hang_one_of_two), (90.0, acts.end_the_hung)),
        check=_few_receives,
    ),
    Scenario(
        "handing back fails",
        "ChangeMessageVisibilityBatch fails, with two schedulers",
        "SQS batches",
        tasks=20,
        schedulers=2,
        outages=(Outage(refused("InternalError", status=500), "sqs", ("change_message_visibility_batch",)),),
    ),
    Scenario(
        "frozen",
        "the process is stopped for five minutes (both clocks jump)",
        "clock",
        behaviour=LONG,
        acts=((20.0, acts.freeze(300.0)),),
    ),
    Scenario(
        "frozen while launching",
        "stopped for 20 minutes with launches waiting for capacity",
        "clock",
        "all succeed: the last try is made at the deadline",
        faults=(Fault("capacity", until=600),),
        acts=((20.0, acts.freeze(1200.0)),),
    ),
    Scenario(
        "wall clock ahead",
        "the wall clock jumps an hour ahead, with two schedulers",
        "clock",
        tasks=20,
        schedulers=2,
        acts=((5.0, acts.wall_clock(3600.0)),),
    ),
    Scenario(
        "wall clock behind",
        "the wall clock jumps an hour back, with two schedulers",
        "clock",
        tasks=20,
        schedulers=2,
        acts=((5.0, acts.wall_clock(-3600.0)),),
    ),
    Scenario(
        "wall clock behind, one dead",
        "the same, and one dies: its events are nobody's",
        "clock",
        tasks=20,
        schedulers=2,
        behaviour=LONG,
        acts=((5.0, acts.wall_clock(-3600.0)), (30.0, acts.kill_one_of_two)),
        check=_few_receives,
    ),
    Scenario(
        "a listener's thread dies",
        "SystemExit out of ReceiveMessage, five times",
        "#71380: one poison entry",
        outages=(Outage(raised(Died), "sqs", ("receive_message",), times=5),),
    ),
    Scenario(
        "the reconciler's thread dies",
        "SystemExit out of DescribeTasks, and no events",
        "#71380: one poison entry",
        events=LOST,
        outages=(Outage(raised(Died), "ecs", ("describe_tasks",), times=3),),
        seconds=600,
    ),
    Scenario(
        "the stopper's thread dies",
        "SystemExit out of StopTask",
        "#71380: one poison entry",
        "their containers are stopped all the same",
        revoked=3,
        behaviour=HANGS,
        outages=(Outage(raised(Died), "ecs", ("stop_task",), times=3),),
        acts=((20.0, acts.revoke),) * 3,
    ),
    Scenario(
        "the explainer's thread dies",
        "SystemExit while a log is read",
        "#71380: one poison entry",
        "told all the same",
        fail=4,
        says="exit code 66",
        first=(Behaviour(exit_code=66),) * 4,
        outages=(Outage(raised(Died), "logs", times=2),),
    ),
)
WITHOUT_QUEUE = tuple(
    replace(each, name=f"{each.name}, no queue", config={**each.config, "event_queue_url": ""})
    for each in (*HEARING, *SURVIVING)
    if each.name in ("killed", "killed after RunTask", "a young task is not seen", "frozen")
)
