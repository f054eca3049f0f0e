"""`python -m soak.executor_process`: the executor at a fixed launch rate, with samples of its process.

It reads a `Plan` (JSON) from stdin, and writes one JSON line per sample and a last one with the ledger.
There is no scheduler around it, because Airflow's own memory would hide the executor's.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.names import launch_id_of
from soak.gauges import take
from soak.workloads import make_workload


@dataclass(frozen=True)
class Plan:
    """What to do.

    Args:
        rate: launches a second.
        burst: launches at the start, so that every launcher thread opens its connections.
        seconds: how long to launch.
        every: seconds between two samples.
        warm: seconds until the first sample.
        samples: how many samples to take at least; a slow machine takes longer for them.
        remembered: ended tasks that the executor remembers, 10,000 by default; a low number is reached soon.
        patience: seconds that the last tasks may take to end.
    """

    rate: int = 20
    burst: int = 100
    seconds: float = 600.0
    every: float = 5.0
    warm: float = 90.0
    samples: int = 0
    remembered: int = 1000
    patience: float = 120.0


class Soak:
    """Calls the executor as Airflow's scheduler does, and keeps only counts.

    It does without tracemalloc, whose own tables grow by 10 MiB in ten minutes.
    """

    def __init__(self, plan: Plan) -> None:
        from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  reads the environment

        from airflow_fargate.tasks import index  # noqa: PLC0415  with it

        index._REMEMBERED = plan.remembered
        self._plan = plan
        self._executor: Any = ExecutorLoader.load_executor("airflow_fargate.FargateExecutor")
        self._queued = 0
        self._ended = {"success": 0, "failed": 0}

    def run(self) -> dict[str, Any]:
        """Run to the end and return the ledger."""
        plan, executor = self._plan, self._executor
        executor.start()
        begun = time.monotonic()
        sampled, taken = plan.warm, 0
        while (now := time.monotonic() - begun) < plan.seconds or taken < plan.samples:
            self._turn(plan.burst + int(now * plan.rate))
            if now >= sampled:
                sampled, taken = sampled + plan.every, taken + 1
                self._print(take(now, sum(self._ended.values())).document())
        until = time.monotonic() + plan.patience
        while executor.running and time.monotonic() < until:
            self._turn(self._queued)
            time.sleep(0.2)
        return {"queued": self._queued, **self._ended, "running": len(executor.running)}

    def _turn(self, wanted: int) -> None:
        while self._queued < wanted:
            workload = make_workload(self._queued, launch_id_of(self._queued))
            self._executor.queue_workload(workload, session=None)
            self._queued += 1
        # Airflow's work in its database, which is mostly waiting.
        time.sleep(0.05)
        self._executor.heartbeat()
        for state, _ in self._executor.get_event_buffer().values():
            word = str(getattr(state, "value", state))
            if word in self._ended:
                self._ended[word] += 1
        self._executor._task_event_logs.clear()

    @staticmethod
    def _print(document: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run the plan from stdin."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    logging.disable(logging.CRITICAL)
    ledger = Soak(plan).run()
    sys.stdout.write(json.dumps({"ledger": ledger}) + "\n")
    sys.stdout.flush()


def encode(plan: Plan) -> str:
    """Return the line that passes a plan to another process."""
    return json.dumps(dataclasses.asdict(plan)) + "\n"


if __name__ == "__main__":
    main()
    # Daemon threads in a long poll would delay the interpreter's exit.
    os._exit(0)
