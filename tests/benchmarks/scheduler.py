"""`python -m benchmarks.scheduler`: one executor in its own process, driven as Airflow's scheduler does it.

Reads a drive (JSON) from stdin, writes one JSON line per commit of events to the file named there, and the
record to stdout. The order is that of ``SchedulerJobRunner._run_scheduler_loop`` of Airflow 3.3.2: adopt at
start; then in each loop queue what is due, heartbeat, take the events, take the event logs, and sleep
``[scheduler] scheduler_idle_sleep_time`` (1 s) when nothing was queued and no event came. What the scheduler
does in its database meanwhile is a pause of ``scheduling_seconds`` in each loop.
"""

from __future__ import annotations

import gc
import json
import logging
import resource
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.deep_size import deep_size
from benchmarks.workloads import launch_id_of, make_task_instance, make_workload, name_of

if TYPE_CHECKING:
    from io import TextIOBase

CLASSES = {
    "ours": "airflow_fargate.FargateExecutor",
    "peer": "airflow.providers.amazon.aws.executors.ecs.ecs_executor.AwsEcsExecutor",
}


@dataclass(frozen=True)
class Drive:
    """What one scheduler is to do.

    executor: ours or peer. arrivals: [seconds from the start, how many tasks]. adopt: [number, state,
    external_executor_id] of task instances whose scheduler is gone. until: "launched" (every task has been
    reported with its ECS task, or has ended), "finished" (every task has ended), or "time". seconds: at most.
    commits: file that gets a line per task instance whenever the scheduler would commit.
    """

    executor: str
    commits: str
    arrivals: list[list[float]] = field(default_factory=list)
    first: int = 0
    adopt: list[list[Any]] = field(default_factory=list)
    until: str = "finished"
    seconds: float = 60.0
    scheduling_seconds: float = 0.05
    idle_seconds: float = 1.0


class Scheduler:
    """Drives one executor and writes down what happens; times are seconds since the epoch."""

    def __init__(self, drive: Drive, commits: TextIOBase) -> None:
        from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  reads the environment

        self._drive = drive
        self._commits = commits
        self._executor: Any = ExecutorLoader.load_executor(CLASSES[drive.executor])
        self._arriving = [
            (at, make_workload(number, launch_id_of(number) if drive.executor == "ours" else None))
            for at, number in numbered(drive)
        ]
        self._open = {name_of(number) for _, number in numbered(drive)}
        self._unlaunched = set(self._open)
        self.heartbeats: list[list[float]] = []
        self.event_lags: list[float] = []
        self.events: list[list[Any]] = []
        self.marks: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Drive it to its end; return the record."""
        executor = self._executor
        executor.start()
        self._watch_events()
        self._idle()
        reset = self._adopt()
        gc.collect()
        self.marks["rss_start"] = rss()
        self._await_go()
        started = self.marks["started"] = time.time()
        self.marks["cpu_start"] = time.process_time()
        while not self._done(time.time() - started):
            queued = self._queue_due(time.time() - started) + reset
            reset = 0
            # What Airflow does in its database: waiting, mostly.
            time.sleep(self._drive.scheduling_seconds)
            at, begun, own = time.time(), time.perf_counter(), time.thread_time()
            executor.heartbeat()
            taken, own = time.perf_counter() - begun, time.thread_time() - own
            self.heartbeats.append([at, taken, len(executor.running), time.process_time(), own])
            came = self._take_events()
            executor._task_event_logs.clear()
            if not queued and not came:
                time.sleep(self._drive.idle_seconds)
        return self._record()

    def _idle(self) -> None:
        """Turn a few times without work, as a scheduler that has been up: what is loaded once is loaded."""
        for _ in range(3):
            self._executor.heartbeat()
            time.sleep(self._drive.idle_seconds)

    def _watch_events(self) -> None:
        """Note how long each event took from the queue to its owner; only ours has such a thing."""
        fleet = getattr(self._executor, "_fleet", None)
        if fleet is None:
            return
        from airflow_fargate.metrics import EVENT_LAG_SECONDS  # noqa: PLC0415  ours alone

        measure = fleet.metrics.time

        def noting(stat: str, seconds: float, **tags: str) -> None:
            if stat == EVENT_LAG_SECONDS:
                self.event_lags.append(seconds)
            measure(stat, seconds, **tags)

        fleet.metrics.time = noting

    def _await_go(self) -> None:
        """Say that all is prepared, and wait for the word: faults begin when the loop does."""
        Path(f"{self._drive.commits}.ready").touch()
        sys.stdin.readline()

    def _adopt(self) -> int:
        """Offer the task instances of another scheduler; queue those that come back. Returns how many did."""
        offered = [make_task_instance(*each) for each in self._drive.adopt]
        if not offered:
            return 0
        self._open |= {each.task_id for each in offered}
        self._unlaunched |= {each.task_id for each in offered if not is_arn(each.external_executor_id)}
        at, begun = time.time(), time.perf_counter()
        left = self._executor.try_adopt_task_instances(offered)
        self.marks["adoption"] = [at, time.perf_counter() - begun]
        self.marks["not_adopted"] = len(left)
        self.marks["slots"] = len(self._executor.running)
        for each in left:
            # Airflow resets it and queues it again, with a new launch id.
            given = launch_id_of(1_000_000 + each.number) if self._drive.executor == "ours" else None
            self._queue(make_workload(each.number, given))
        return len(left)

    def _queue(self, workload: Any) -> None:
        self._executor.queue_workload(workload, session=None)

    def _queue_due(self, elapsed: float) -> int:
        count = 0
        while self._arriving and self._arriving[0][0] <= elapsed:
            self._queue(self._arriving.pop(0)[1])
            count += 1
        return count

    def _take_events(self) -> int:
        """Take the events as the scheduler processes them: what it would write to the database."""
        at = time.time()
        came = self._executor.get_event_buffer()
        for key, (state, info) in came.items():
            word = str(getattr(state, "value", state))
            self.events.append([at, key.task_id, word, str(info or "")])
            self._unlaunched.discard(key.task_id)
            if word in {"success", "failed"}:
                self._open.discard(key.task_id)
            self._commits.write(json.dumps([key.task_id, word, str(info or "")]) + "\n")
        self._commits.flush()
        return len(came)

    def _done(self, elapsed: float) -> bool:
        if elapsed >= self._drive.seconds:
            return True
        waiting = {"launched": self._unlaunched, "finished": self._open}.get(self._drive.until)
        return waiting is not None and not waiting and not self._arriving

    def _record(self) -> dict[str, Any]:
        self.marks["ended"] = time.time()
        self.marks["cpu_end"] = time.process_time()
        self.marks["rss_end"] = rss()
        self.marks["threads"] = threading.active_count()
        self.marks["running"] = len(self._executor.running)
        self.marks["held_bytes"] = deep_size(
            [self._executor.running, *(getattr(self._executor, name, None) for name in ("active_workers",))]
            if self._drive.executor == "peer"
            else [self._executor.running, self._executor._fleet.registry]
        )
        return {
            "heartbeats": self.heartbeats,
            "events": self.events,
            "event_lags": self.event_lags,
            "marks": self.marks,
        }


def numbered(drive: Drive) -> list[tuple[float, int]]:
    """Return when each task arrives, and its number."""
    found, number = [], drive.first
    for at, count in drive.arrivals:
        for _ in range(int(count)):
            found.append((at, number))
            number += 1
    return found


def is_arn(text: str | None) -> bool:
    """Say whether an external_executor_id tells an ECS task."""
    return bool(text) and str(text).startswith("arn:")


def rss() -> int:
    """Return the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main() -> int:
    """Drive what stdin says."""
    drive = Drive(**json.loads(sys.stdin.readline()))
    logging.disable(logging.INFO)
    with Path(drive.commits).open("w", encoding="utf-8") as commits:
        record = Scheduler(drive, commits).run()
    sys.stdout.write(json.dumps(record))
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    # Daemon threads in a long poll would hold up the interpreter's end.
    import os

    code = main()
    os._exit(code)
