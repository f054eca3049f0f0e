"""What happens inside the containers of ``benchmarks.standby``: when each task writes its first line.

A standby polls its offer as the real one does (``worker/standby.py``), with S3's latencies, and its task's
first line comes so many seconds after the payload is known as `make start-times` measured. A cold container's
first line comes so many seconds after ECS has it as RUNNING, likewise.
"""

from __future__ import annotations

import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any

from benchmarks.names import name_in
from local_cloud import Behaviour

if TYPE_CHECKING:
    from benchmarks.workers import Workers
    from local_cloud import Task
    from local_cloud.cloud import LocalCloud

S3_SECONDS = 0.03
STEP_SECONDS = 0.01
STANDBY = "/standby"


class Insides:
    """The inside of every container.

    Args:
        cloud: the simulated AWS.
        objects: S3's, by path.
        workers: change Airflow's rows.
        options: ``starts`` (seconds from RunTask to RUNNING, a range), ``standby`` and ``cold`` (seconds to
            the first line), ``run`` (seconds that a task runs).
    """

    def __init__(
        self, cloud: LocalCloud, objects: dict[str, bytes], workers: Workers, options: dict[str, Any]
    ) -> None:
        self._cloud, self._objects, self._workers, self._options = cloud, objects, workers, options
        self._random = random.Random(0)  # noqa: S311  repeatable on purpose
        self._due: dict[str, float] = {}
        self.first_lines: dict[str, float] = {}
        engine: Any = cloud.engine
        engine.choose = self._behaviour
        threading.Thread(target=self._poll, daemon=True).start()

    def _behaviour(self, task: Task) -> Behaviour:
        first, last = self._options["starts"]
        starts = self._random.uniform(first, last)
        waits = (task.started_by or "").endswith(STANDBY)
        return Behaviour(provisioning=starts, pending=0.0, run=None if waits else self._options["run"])

    def note(self, task: Task) -> None:
        """Note a change of a task: a standby begins to poll, a cold task begins its start."""
        if task.last_status != "RUNNING" or task.arn in self._due:
            return
        if (task.started_by or "").endswith(STANDBY):
            self._due[task.arn] = time.time() + self._random.uniform(0, 0.5)
        elif name := name_in(json.dumps([dict(task.overrides), dict(task.tags)]).encode()):
            self.first_lines.setdefault(name, time.time() + self._options["cold"])

    def _poll(self) -> None:
        while True:
            now = time.time()
            for arn, due in list(self._due.items()):
                if due <= now:
                    self._look(arn, now)
            time.sleep(STEP_SECONDS)

    def _look(self, arn: str, now: float) -> None:
        task = self._cloud.plane.task(arn)
        self._due[arn] = now + 0.5
        standby = dict(task.tags).get("airflow-fargate:standby", "") if task else ""
        path = next((path for path in self._objects if path.endswith(f"standby/{standby}/offer")), "")
        offer = json.loads(self._objects.get(path, b"{}"))
        if task is None or task.last_status != "RUNNING" or "dismissed" in offer:
            del self._due[arn]
        elif "launch" in offer:
            del self._due[arn]
            # The poll itself, then the claim.
            threading.Timer(2 * S3_SECONDS, self._claim, (arn, path, offer)).start()

    def _claim(self, arn: str, path: str, offer: dict[str, Any]) -> None:
        answer = path.replace("/offer", "/answer")
        if (
            self._objects.setdefault(answer, json.dumps({"took": offer["launch"]}).encode())
            != json.dumps({"took": offer["launch"]}).encode()
        ):
            return
        self._objects.pop(path, None)
        name = name_in(offer["payload"].encode())
        # The deletion of the offer, and the start.
        seconds = S3_SECONDS + self._options["standby"]
        threading.Timer(seconds, self._begin, (arn, name)).start()

    def _begin(self, arn: str, name: str) -> None:
        self.first_lines.setdefault(name, time.time())
        self._workers.begin(name)
        threading.Timer(self._options["run"], self._end, (arn, name)).start()

    def _end(self, arn: str, name: str) -> None:
        self._workers.succeed(name)
        engine: Any = self._cloud.engine
        engine.exit_now(arn, 0)
