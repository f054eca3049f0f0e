"""The catalogue, sixth part: what Airflow's own scheduler does with an executor, and what it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chaos import acts
from chaos.receiving import LONG
from chaos.scenario import Scenario
from local_cloud import Behaviour
from scenarios.outages import Outage, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.stage import Stage

NO_CAPACITY = refused("ClientException", "Capacity is unavailable at this time")
FOREIGN_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
UNSTORABLE = "a NUL \x00, half an emoji \ud83d, \x1b[31mred\x1b[0m, " + "x" * 1_000_000


def _unstorable_log(stage: Stage) -> None:
    """Every container's last line has characters that no database accepts."""
    line = {"events": [{"message": UNSTORABLE}], "nextForwardToken": "end"}
    stage.world.logs.get_log_events = lambda **_: line  # type: ignore[method-assign]


def _told_what_can_be_stored(stage: Stage) -> str:
    told = [text for text in stage.failures() if "half an emoji" in text]
    bad = [text for text in told if "\x00" in text or len(text) > 20_000 or not _encodes(text)]
    return "" if told and not bad else f"{len(told)} failures have the line, {len(bad)} cannot be stored"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stall(seconds: float) -> acts.Act:
    """The last scheduler's loop stalls, the first one adopts its tasks, then the last one continues."""

    def act(stage: Stage) -> None:
        stalled = stage.schedulers[-1]
        taken = set(stalled.running)
        stage.hung.append(stage.schedulers.pop())
        stage.run(stage.world.clock.now() + seconds)
        stage.schedulers[0].take_over(stalled)
        stage.run(stage.world.clock.now() + 20)
        stage.hung.remove(stalled)

        def adopted_elsewhere(keys: Sequence[Any]) -> list[Any]:
            return [key for key in keys if key in taken]

        stalled.fleet._renewal._adopted_elsewhere = adopted_elsewhere
        stage.schedulers.append(stalled)

    return act


def _queue_a_later_try(stage: Stage) -> None:
    """Airflow clears the first task while it waits, and queues a later try with another key."""
    scheduler = stage.schedulers[0]
    freed = scheduler.fleet.supersede("task-1", "a later try")
    scheduler.running.difference_update(freed)
    scheduler.revoked.update(freed)
    scheduler.launch()


def _adopt_a_foreign_task(stage: Stage) -> None:
    """A running task of another executor is passed for adoption: its UUID is not one of our launch ids."""
    scheduler = stage.schedulers[0]
    scheduler.fleet.adopt("a Celery task", FOREIGN_ID)
    scheduler.running.add("a Celery task")


def _foreign_task_was_let_go(stage: Stage) -> str:
    scheduler = stage.schedulers[0]
    told = [each for each in stage.world.told if getattr(each, "key", None) == "a Celery task"]
    kinds = [type(each).__name__ for each in told]
    return "" if kinds == ["Release"] and scheduler.leaks == 0 else f"told {kinds}"


def _rename_the_cluster(stage: Stage) -> None:
    """[fargate] cluster changes while tasks run in the old one."""
    scheduler = stage.schedulers[0]
    stage.world.catalog.add_cluster("airflow2")
    stage.world.config = replace(stage.world.config, cluster="airflow2")
    scheduler.restart()


def _waits_as_a_set(stage: Stage) -> str:
    """However long DescribeTasks fails, no more waits for it than there are tasks."""
    waiting = len(stage.schedulers[0].fleet.reconciler._arns)
    return "" if waiting <= stage.world.numbers else f"{waiting} ARNs wait for {stage.world.numbers} tasks"


SCHEDULING = (
    Scenario(
        "a log line that no database takes",
        "a container's last line has a NUL, a lone surrogate and a megabyte",
        "psycopg: PostgreSQL text fields cannot contain NUL bytes",
        "told with the line, cleaned and cut",
        fail=10,
        says="Last lines of the container",
        behaviour=Behaviour(exit_code=66),
        acts=((0.0, _unstorable_log),),
        check=_told_what_can_be_stored,
    ),
    Scenario(
        "a loop that stalls while it waits for capacity",
        "one of two schedulers stalls for a minute; the other one adopts its tasks",
        "Airflow: scheduler_health_check_threshold",
        "one container each; the stalled one lets go of them",
        outages=(Outage(NO_CAPACITY, "ecs", ("run_task",), until=20.0),),
        schedulers=2,
        acts=((5.0, _stall(60.0)),),
    ),
    Scenario(
        "a loop that stalls while tasks run",
        "the same with containers that run",
        "Airflow: scheduler_health_check_threshold",
        "all succeed, each told by the scheduler that has it",
        behaviour=LONG,
        schedulers=2,
        acts=((40.0, _stall(60.0)),),
    ),
    Scenario(
        "queued for an hour",
        "no scheduler for more than an hour after the tasks were queued",
        "#44158",
        "all are launched and succeed",
        acts=((0.0, acts.kill_for(4000.0)),),
    ),
    Scenario(
        "queued for an hour, without a queue",
        "the same where tasks are described",
        "#44158",
        "all are launched and succeed",
        acts=((0.0, acts.kill_for(4000.0)),),
        config={"event_queue_url": "", "reconcile_interval": None},
    ),
    Scenario(
        "cleared while it waits for capacity",
        "a task is cleared before it was launched, and queued again as a later try",
        "#69760",
        "the first try is never launched; the later one succeeds",
        outages=(Outage(NO_CAPACITY, "ecs", ("run_task",), until=20.0),),
        revoked=1,
        containers=10,
        acts=((5.0, _queue_a_later_try),),
    ),
    Scenario(
        "given up by Airflow while it runs",
        "a later try is queued while the container of the first one still runs",
        "#69760",
        "the first container is stopped, and nothing of it is told",
        behaviour=LONG,
        revoked=1,
        acts=((40.0, _queue_a_later_try),),
    ),
    Scenario(
        "another executor's task",
        "a running task with a foreign UUID is offered for adoption",
        "switch from CeleryExecutor",
        "left to Airflow, and its slot freed; the others succeed",
        acts=((10.0, _adopt_a_foreign_task),),
        check=_foreign_task_was_let_go,
    ),
    Scenario(
        "another cluster",
        "[fargate] cluster is changed while tasks run",
        "a setting",
        "followed in the cluster that their ARN names; all succeed",
        behaviour=LONG,
        acts=((60.0, _rename_the_cluster),),
    ),
    Scenario(
        "DescribeTasks fails for an hour, without a queue",
        "an outage of DescribeTasks where nothing else tells of ends",
        "AWS: ServerException",
        "all succeed; what waits for a call is a set",
        outages=(Outage(refused("ServerException", "", 500), "ecs", ("describe_tasks",), until=3600.0),),
        config={"event_queue_url": "", "reconcile_interval": None},
        seconds=3900.0,
        check=_waits_as_a_set,
    ),
)
