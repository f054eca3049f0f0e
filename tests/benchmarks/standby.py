"""`python -m benchmarks.standby`: from queued to the task's first line, cold and on a standby.

Airflow's own scheduler over PostgreSQL; AWS simulated with its latencies, starts drawn from 18-90 s. How long
a container takes from "its payload is known" to the first line is not simulated but measured, by
`make start-times`, and passed in.

Usage: python -m benchmarks.standby [--tasks 300] [--standbys 100] [--peer] [--standby 0.4] [--cold 4.1]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.names import name_of_row
from benchmarks.report import machine
from benchmarks.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.stage import Scene

STARTS = (18.0, 90.0)
RUN_SECONDS = 2.0
FILL_SECONDS = 300.0


def cloud_with(standby: float, cold: float) -> Callable[[CloudSetup, str], Cloud]:
    """Return what makes a cloud whose containers tell when their task's first line comes."""

    class Insightful(Cloud):
        def _options(self) -> str:
            inside = {"starts": STARTS, "standby": standby, "cold": cold, "run": RUN_SECONDS}
            return json.dumps({**json.loads(super()._options()), "inside": inside})

    return Insightful


def play(stage: Stage, executor: str, tasks: int, rate: float, standbys: int) -> list[float]:
    """Return the seconds from queued to the first line of each task, at so many tasks a second."""
    options = {"STANDBY": json.dumps({"default": {"min": standbys}})} if standbys else {}
    idle = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2"}
    scene: Scene
    with stage._scene(executor, CloudSetup(run=RUN_SECONDS), tasks, options, True, idle) as scene:  # noqa: FBT003
        process = scene.start_scheduler()
        process.wait_until_up()
        scene.cloud.open()
        _fill(scene, standbys)
        batch = max(1, round(rate / 2))
        coming = scene.arrive([[number / rate, batch] for number in range(0, tasks, batch)], 0)
        lines: dict[str, float] = {}
        until = time.monotonic() + tasks / rate + 240
        while len(lines) < tasks and time.monotonic() < until:
            time.sleep(1)
            lines = scene.cloud.call("_bench/record")["first_lines"]
        coming.give_up()
        rows = scene.database._all("SELECT run_id, task_id, queued_dttm FROM task_instance")
        process.kill()
    queued = {name_of_row(run, task): at.timestamp() for run, task, at in rows if at is not None}
    _say(f"{executor}, {standbys} standbys: {len(lines)} of {tasks} tasks wrote a line")
    return [lines[name] - queued[name] for name in lines if name in queued]


def _fill(scene: Scene, standbys: int) -> None:
    until = time.monotonic() + FILL_SECONDS + standbys
    while time.monotonic() < until and standbys:
        tasks = scene.cloud.call("_bench/record")["tasks"]
        ready = sum(each["status"] == "RUNNING" and time.time() - each["started"] > 35 for each in tasks)
        if ready >= standbys:
            return
        time.sleep(2)


def table(found: dict[str, list[float]]) -> str:
    """Return the percentiles as a Markdown table."""
    lines = ["| queued -> first line | tasks | p50 | p95 | p99 | longest |", "|---|---:|---:|---:|---:|---:|"]
    for name, seconds in found.items():
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        figures = [f"{each:.2f} s" for each in (cuts[49], cuts[94], cuts[98], max(seconds))]
        lines.append(f"| {name} | {len(seconds)} | {' | '.join(figures)} |")
    here = machine()
    lines += ["", f"({here['cores']} cores, load {os.getloadavg()[0]:.0f} at the end.)"]
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="standby", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--standbys", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1.0, help="tasks a second")
    parser.add_argument("--cold-tasks", type=int, default=60)
    parser.add_argument("--peer", action="store_true", help="AwsEcsExecutor, too")
    parser.add_argument(
        "--standby", type=float, default=0.4, help="payload known -> first line, see start-times"
    )
    parser.add_argument("--cold", type=float, default=4.1, help="RUNNING -> first line, see start-times")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with Stage(make_cloud=cloud_with(given.standby, given.cold)) as stage:
        found["standby hit"] = play(stage, "ours", given.tasks, given.rate, given.standbys)
        found["cold"] = play(stage, "ours", given.cold_tasks, given.rate, 0)
        if given.peer:
            found["AwsEcsExecutor, cold"] = play(stage, "peer", given.cold_tasks, given.rate, 0)
    print(table(found))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
