"""How soon tasks begin on standby containers, and what refills cost a burst, under Airflow's own scheduler.

`to_first_line`: from queued to the task's first line, on standbys, cold, with the peer, and on an always-on
Celery worker. AWS is simulated with its latencies, starts drawn from 18-90 s. How long a container takes from
"its payload is known" to the first line is not simulated but measured, by `make start-times`.

`refills`: a burst of launches while standbys are refilled, beside the same burst without standbys.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from benchmarks import figures as f
from benchmarks.celery_worker import CONCURRENCY, CeleryWorker
from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.names import name_of, name_of_row
from benchmarks.sizes import bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.records import Record
    from benchmarks.sizes import Size
    from benchmarks.stage import Scene, Stage

Figures = dict[str, Any]
STARTS = (18.0, 90.0)
RUN_SECONDS = 2.0
FILL_SECONDS = 300.0
READY_SECONDS = 35.0
"""After RUNNING: a standby counts as ready after 15 s, and the scheduler lists standbys now and then."""
REFILL_SECONDS = 20.0
STANDBY_SECONDS, COLD_SECONDS = 0.4, 4.1
"""From "the payload is known", and from RUNNING, to the first line: more than `make start-times` measures at
a quarter of a vCPU."""
RATE = 1.0
"""Tasks a second."""
WARM_UP = 2 * CONCURRENCY
"""Tasks of the Celery worker that are not counted: the first ones of each of its processes import Airflow."""
IDLE = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2"}


def to_first_line(stage: Stage, size: Size) -> dict[str, dict[str, Figures]]:
    """Return the seconds from queued to the first line: label -> executor -> figures."""
    cases = {"standby hit": {"ours": _on_ecs(stage, "ours", size.standby_hits, size.standby_pool)}}
    for label, executor in (("cold", "ours"), ("AwsEcsExecutor, cold", "peer")):
        if executor in size.executors:
            cases[label] = {executor: _on_ecs(stage, executor, size.standby_cold, 0)}
    cases["an always-on Celery worker"] = {"celery": _on_celery(stage, size.standby_hits)}
    return cases


def refills(stage: Stage, size: Size) -> dict[str, dict[str, Figures]]:
    """Return the figures of a burst: label -> executor -> figures.

    Without standbys, with standbys that are ready, and while the first standbys are being started.
    """
    pool = size.refills_pool
    return {
        "no standbys": {"ours": _burst(stage, size, 0)},
        f"{pool} standbys": {"ours": _burst(stage, size, pool)},
        f"{pool} standbys, most not yet started": {"ours": _burst(stage, size, pool, filled=False)},
    }


def percentiles(seconds: list[float], asked: int) -> Figures:
    """Return the figures of a row.

    Args:
        seconds: from queued to the first line, of each task that wrote one.
        asked: how many tasks there were.
    """
    found = {f"p{each}_s": f.percentile(seconds, each) for each in (50, 95, 99)}
    missing = asked - len(seconds)
    return {"tasks": len(seconds), "missing": missing, **found, "max_s": f.percentile(seconds, 100)}


# --- queued -> first line ----------------------------------------------------------------------------------


def _on_ecs(stage: Stage, executor: str, tasks: int, standbys: int) -> Figures:
    cloud = _cloud_with(STARTS, RUN_SECONDS)
    options = _options(standbys)
    with stage.scene(
        executor, CloudSetup(run=RUN_SECONDS), tasks, options, airflow=IDLE, make_cloud=cloud
    ) as scene:
        process = scene.start_scheduler()
        process.wait_until_up()
        scene.cloud.open()
        _fill(scene, standbys)
        lines = _arrive(scene, 0, tasks, lambda: scene.cloud.call("_bench/record")["first_lines"])
        process.kill()
        return _row(scene, lines, tasks)


def _on_celery(stage: Stage, tasks: int) -> Figures:
    with CeleryWorker() as worker:
        airflow = {**IDLE, **worker.options}
        with stage.scene("celery", CloudSetup(), WARM_UP + tasks, airflow=airflow) as scene:
            with worker.running(scene.environment(), scene.database.address):
                process = scene.start_scheduler(python=worker.python)
                process.wait_until_up()
                warm = {name_of(number) for number in range(WARM_UP)}
                scene.arrive([[0, WARM_UP]], 0)
                _wait_until(lambda: warm <= set(worker.first_lines()), 120)
                _wait_until(lambda: not scene.database.unsettled(), 30)
                lines = _arrive(
                    scene,
                    WARM_UP,
                    tasks,
                    lambda: {name: at for name, at in worker.first_lines().items() if name not in warm},
                )
                process.kill()
            return _row(scene, lines, tasks)


def _arrive(scene: Scene, first: int, tasks: int, lines: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Make tasks due, and return when each wrote its first line."""
    coming = scene.arrive([[number / RATE, 1] for number in range(tasks)], first)
    _wait_until(lambda: len(lines()) >= tasks, tasks / RATE + 240, every=1.0)
    coming.give_up()
    return lines()


def _row(scene: Scene, lines: dict[str, float], tasks: int) -> Figures:
    rows = scene.database._all("SELECT run_id, task_id, queued_dttm FROM task_instance")
    queued = {name_of_row(run, task): at.timestamp() for run, task, at in rows if at is not None}
    return percentiles([at - queued[name] for name, at in lines.items() if name in queued], tasks)


# --- a burst -----------------------------------------------------------------------------------------------


def _burst(stage: Stage, size: Size, standbys: int, *, filled: bool = True) -> Figures:
    cloud = _cloud_with((5.0, 5.0), size.patience)
    with stage.scene(
        "ours", CloudSetup(), size.burst, _options(standbys), airflow=IDLE, make_cloud=cloud
    ) as scene:
        process = scene.start_scheduler()
        process.wait_until_up()
        scene.cloud.open()
        if filled:
            _fill(scene, standbys)
        else:
            _wait_until(lambda: scene.cloud.count() >= standbys / 5, FILL_SECONDS)
        coming = scene.arrive([[0, size.burst]], 0)
        _wait_until(lambda: list(scene.database.states().values()) == ["running"] * size.burst, size.patience)
        time.sleep(REFILL_SECONDS if standbys else 0)
        return burst_figures(scene.record([process.finish("stop")], coming.started), size.burst)


def burst_figures(record: Record, tasks: int) -> Figures:
    """Return how a burst was launched, and how many standbys were started during it and after it.

    The bound is that of the tasks that found no standby.
    """
    found = f.launching(record, tasks)
    first = record.marks["first_queued"]
    last = first + found["seconds_to_last"]
    started = [each["created"] for each in record.cloud["tasks"] if not each["name"]]
    least = bound(found["launched"], 1)
    return {
        **found,
        "hits": tasks - found["launched"],
        "bound_s": least,
        "times_the_bound": found["seconds_to_last"] / least if least else 0.0,
        "refills_during": sum(first < at <= last for at in started),
        "refills_after": sum(at > last for at in started),
    }


# --- both --------------------------------------------------------------------------------------------------


def _options(standbys: int) -> dict[str, str]:
    return {"STANDBY": json.dumps({"default": {"min": standbys}})} if standbys else {}


def _cloud_with(starts: tuple[float, float], run: float) -> Callable[[CloudSetup, str], Cloud]:
    """Return what makes a cloud whose containers note when their task's first line comes."""
    inside = {"starts": starts, "standby": STANDBY_SECONDS, "cold": COLD_SECONDS, "run": run}

    class Noting(Cloud):
        def _options(self) -> str:
            return json.dumps({**json.loads(super()._options()), "inside": inside})

    return Noting


def _fill(scene: Scene, standbys: int) -> None:
    """Wait until the scheduler knows that so many standbys are ready."""

    def ready() -> bool:
        tasks = scene.cloud.call("_bench/record")["tasks"]
        waiting = [each for each in tasks if each["status"] == "RUNNING"]
        return len([each for each in waiting if time.time() - each["started"] > READY_SECONDS]) >= standbys

    if standbys:
        _wait_until(ready, FILL_SECONDS + standbys, every=2.0)


def _wait_until(ready: Callable[[], bool], seconds: float, every: float = 0.2) -> None:
    """Wait until ``ready()``, at most so many seconds; the figures show what is missing."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not ready():
        time.sleep(every)
