"""`python -m benchmarks.runner`: run Airflow's own SchedulerJobRunner in this process, and measure it.

The first line of stdin says where the record goes (JSON). Later lines are commands:

- ``started``: the first tasks are due.
- ``stop``: end after the current turn of the loop.
- ``drain``: end when the executor has no task left, after at most ``DRAIN_SECONDS``.

Nothing of Airflow is replaced; its methods are wrapped to take times, in seconds since the epoch.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.memory import held_bytes, rss
from benchmarks.names import name_of_row

if TYPE_CHECKING:
    from collections.abc import Callable

DRAIN_SECONDS = 30.0
WARM_BEATS = 3
"""Heartbeats before a scheduler counts as up. By then, everything is imported."""


class Measured:
    """A scheduler whose loop, heartbeats, events and queries are recorded.

    Args:
        path: where the record goes; a file with ``.ready`` added says that the scheduler is up.
        slots: whether to record when each slot becomes free.
    """

    def __init__(self, path: str, *, slots: bool) -> None:
        from airflow.jobs.job import Job  # noqa: PLC0415  reads the environment
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner  # noqa: PLC0415  the same

        self._path = path
        self._slots = slots
        self.runner: Any = SchedulerJobRunner(job=Job())
        (self._executor,) = self.runner.executors
        self.heartbeats: list[list[float]] = []
        self.loops: list[list[float]] = []
        self.events: list[list[Any]] = []
        self.freed: list[list[Any]] = []
        self.event_lags: list[float] = []
        self.marks: dict[str, Any] = {}
        self._uncommitted: list[list[Any]] = []
        self._slept = self._collected = 0.0
        self._selects = 0
        self._stop_at = float("inf")
        self._draining = False

    def run(self) -> None:
        """Run it to its end."""
        from airflow.jobs.job import run_job  # noqa: PLC0415  as above

        self._wrap()
        threading.Thread(target=self._listen, daemon=True).start()
        run_job(job=self.runner.job, execute_callable=self.runner._execute)

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.strip() == "drain":
                self._draining, self._stop_at = True, time.time() + DRAIN_SECONDS
            elif line.strip() == "stop":
                self._stop_at = 0.0
            elif line.strip() == "started":
                self.marks["started"] = time.time()

    # --- recording -----------------------------------------------------------------------------------------

    def _wrap(self) -> None:
        from airflow import settings  # noqa: PLC0415  as above
        from airflow.jobs import scheduler_job_runner as module  # noqa: PLC0415  as above
        from sqlalchemy import event  # noqa: PLC0415  as above

        executor, runner = self._executor, self.runner
        self._around(executor, "heartbeat", self._beat)
        self._around(executor, "get_event_buffer", self._buffer)
        self._around(executor, "try_adopt_task_instances", self._adopt)
        self._around(runner, "adopt_or_reset_orphaned_tasks", self._look_for_orphans)
        self._around(runner, "_do_scheduling", self._turn)
        self._around(runner, "_process_task_event_logs", self._committed)
        self._watch_event_lags()
        module.time = _Time(self._sleep)
        event.listen(settings.engine, "before_cursor_execute", self._count_selects)
        gc.callbacks.append(self._note_collection)

    def _around(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        inner = getattr(owner, name)
        setattr(owner, name, lambda *given, **named: wrapper(inner, *given, **named))

    def _turn(self, inner: Callable[..., Any], *given: Any) -> Any:
        now = time.time()
        if self.loops:
            self.loops[-1][1] = now - self.loops[-1][0] - self._slept
        self._slept = 0.0
        self.loops.append([now, 0.0])
        return inner(*given)

    def _sleep(self, seconds: float) -> None:
        begun = time.time()
        time.sleep(seconds)
        self._slept += time.time() - begun

    def _beat(self, inner: Callable[[], None]) -> None:
        executor = self._executor
        waiting, before = len(executor.queued_tasks), set(executor.running) if self._slots else set()
        events, collected = len(executor.event_buffer), self._collected
        at, begun, own = time.time(), time.perf_counter(), time.thread_time()
        inner()
        taken, main = time.perf_counter() - begun, time.thread_time()
        self.heartbeats.append(
            [
                at,
                taken,
                len(executor.running),
                time.process_time(),
                main - own,
                main,
                waiting - len(executor.queued_tasks),
                len(executor.event_buffer) - events,
                self._collected - collected,
            ]
        )
        if self._slots:
            self.freed += [[time.time(), _name(key)] for key in before - executor.running]
        if len(self.heartbeats) == WARM_BEATS:
            self._is_up()
        if time.time() >= self._stop_at or (self._draining and not executor.running):
            self.runner.num_runs = 1  # makes this turn the last

    def _is_up(self) -> None:
        gc.collect()
        self.marks["rss_start"] = rss()
        self.marks["cpu_start"] = time.process_time()
        self.marks["main_start"] = time.thread_time()
        ready = Path(f"{self._path}.ready")
        ready.with_suffix(".tmp").write_text(str(self.runner.job.id), encoding="utf-8")
        ready.with_suffix(".tmp").rename(ready)

    def _buffer(self, inner: Callable[..., Any], *given: Any) -> Any:
        came = inner(*given)
        for key, (state, info) in came.items():
            word = str(getattr(state, "value", state))
            self._uncommitted.append([0.0, _name(key), word, str(info or "")])
        return came

    def _committed(self, inner: Callable[..., Any], *given: Any) -> Any:
        """Note that Airflow has committed the events: next it processes the event logs."""
        now = time.time()
        for each in self._uncommitted:
            each[0] = now
        self.events += self._uncommitted
        self._uncommitted = []
        return inner(*given)

    def _adopt(self, inner: Callable[..., Any], tis: Any) -> Any:
        begun, selects = time.perf_counter(), self._selects
        left = inner(tis)
        self.marks["adoption"] = [time.time(), time.perf_counter() - begun]
        self.marks["adoption_selects"] = self._selects - selects
        self.marks["offered"] = len(tis)
        self.marks["not_adopted"] = len(left)
        self.marks["slots"] = len(self._executor.running)
        return left

    def _look_for_orphans(self, inner: Callable[..., Any], **named: Any) -> Any:
        begun, selects = time.perf_counter(), self._selects
        found = inner(**named)
        self.marks.setdefault("orphans_s", time.perf_counter() - begun)
        self.marks.setdefault("orphans_selects", self._selects - selects)
        return found

    def _count_selects(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._selects += statement.lstrip()[:6].upper() == "SELECT"

    def _note_collection(self, phase: str, _info: Any) -> None:
        self._collected += time.perf_counter() * (1 if phase == "stop" else -1)

    def _watch_event_lags(self) -> None:
        """Record how long each event took from the queue to its owner; only our executor measures this."""
        if not hasattr(self._executor, "_build_fleet"):
            return
        from airflow_fargate.metrics import EVENT_LAG_SECONDS, Metrics  # noqa: PLC0415  not for the peer

        measure, lags = Metrics.time, self.event_lags

        def noting(metrics: Any, stat: str, seconds: float, **tags: str) -> None:
            if stat == EVENT_LAG_SECONDS:
                lags.append(seconds)
            measure(metrics, stat, seconds, **tags)

        Metrics.time = noting  # type: ignore[assignment, method-assign]

    # --- the end -------------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """Return everything that was recorded."""
        executor, beats = self._executor, self.heartbeats
        held = [executor.running, getattr(executor, "active_workers", None)]
        if fleet := getattr(executor, "_fleet", None):
            held.append(fleet.registry)
        self.marks |= {
            "ended": time.time(),
            "cpu_end": beats[-1][3],
            "rss_end": rss(),
            "threads": threading.active_count(),
            "running": len(executor.running),
            "held_bytes": held_bytes(*held),
        }
        return {
            "heartbeats": self.heartbeats,
            "loops": self.loops,
            "events": self.events,
            "freed": self.freed,
            "event_lags": self.event_lags,
            "marks": self.marks,
        }


class _Time:
    """Replaces the module ``time`` in Airflow's scheduler, which only calls ``sleep``."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.sleep = sleep


def _name(key: Any) -> str:
    return name_of_row(key.run_id, key.task_id)


def main() -> int:
    """Run until stdin says stop."""
    drive = json.loads(sys.stdin.readline())
    logging.disable(logging.INFO)
    measured = Measured(drive["record"], slots=drive.get("slots", False))

    def write() -> None:
        # Replaces the executor's end(), which in the peer waits for all its containers.
        Path(drive["record"]).write_text(json.dumps(measured.record()), encoding="utf-8")
        os._exit(0)

    measured.runner.executors[0].end = write
    measured.run()
    return 1


if __name__ == "__main__":
    sys.exit(main())
