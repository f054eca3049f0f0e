"""A standby container: ready before its task is known.

It does everything about a start that does not depend on the task (image, imports, credentials), waits for one
offer, claims it, and runs that one task as any container does. Without an offer it exits with 79.
"""

from __future__ import annotations

import json
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Delete, Read, WriteOnce
from airflow_fargate.worker import airflow_runtime, standby_imports
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import parse_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

    from airflow_fargate.worker.payload import Payload

POLL_SECONDS, IDLE_SECONDS = 0.5, 3600.0
BLIND_SECONDS = 300.0
"""How long S3 may fail before the container exits: nobody can hand it a task."""


class ConditionalStore(Protocol):
    """S3, with conditions; each raises WorkerError."""

    def fetch_unless(self, bucket: str, key: str, etag: str) -> tuple[bytes, str] | None:
        """Return content and ETag, None if the object still has this ETag."""

    def write_once(self, bucket: str, key: str, body: bytes) -> bool:
        """Write if there is no such object; return whether S3 accepted it."""

    def delete(self, bucket: str, key: str) -> None:
        """Delete."""


class Departure:
    """SIGTERM: exit at the next poll, or at once if a task is claimed that does not run yet.

    Args:
        leave: ends this process with the code for "stopped before the task began".
    """

    def __init__(self, leave: Callable[[], NoReturn]) -> None:
        self._leave = leave
        self._asked = threading.Event()
        self._claimed = False

    def ask(self) -> None:
        """Note a SIGTERM; called from the thread that waits for signals."""
        self._asked.set()
        if self._claimed:
            self._leave()

    def wait(self, seconds: float) -> bool:
        """Wait for a SIGTERM; return whether there was one."""
        return self._asked.wait(seconds)

    def claim(self) -> None:
        """Note that a task is claimed: from now on the container's end is that of the task."""
        self._claimed = True
        if self._asked.is_set():
            self._leave()


class Standby:
    """Waits for one offer.

    Args:
        reference: ``s3://bucket/ROOT/standby/S``.
        store: S3.
        departure: knows of SIGTERM.
        say: takes one line for the container's log.
        clock: monotonic seconds.
        prepare: imports what a task needs; gets the modules of ``standby_preload``.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        reference: str,
        store: ConditionalStore,
        departure: Departure,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        prepare: Callable[[Any], None] | None = None,
    ) -> None:
        self._bucket, _, path = reference.removeprefix("s3://").partition("/")
        root, folder, self._id = path.rpartition("standby/")
        if not (reference.startswith("s3://") and self._bucket and folder and self._id):
            raise WorkerError(
                ExitCode.BAD_COMMAND, f"{reference!r} is not s3://BUCKET/standby/ID, the place of a standby."
            )
        self._root = root
        self._store = store
        self._departure = departure
        self._say = say
        self._clock = clock
        self._prepare = prepare or self._import

    def wait(self) -> Payload | None:
        """Return the payload of the one task that this container runs, or None.

        Raises:
            WorkerError: the offer cannot be read.
        """
        began = self._clock()
        key = self._root + protocol.offer_key(self._id)
        data, etag = self._store.fetch_unless(self._bucket, key, "") or (b"{}", "")
        offer = json.loads(data)
        # Read before the imports: an offer that cannot be read makes them pointless.
        settings = offer.get("open") or {}
        self._prepare(settings.get("preload") or ())
        poll = float(settings.get("poll") or POLL_SECONDS)
        idle = float(settings.get("idle") or IDLE_SECONDS)
        self._say(f"Standby {self._id} is ready after {self._clock() - began:.1f} s.")
        seen_at = self._clock()
        while "open" in offer:
            if self._departure.wait(poll):
                return self._leave("SIGTERM")
            now = self._clock()
            if now - began >= idle:
                return self._leave(f"no task within {idle:g} s")
            try:
                found = self._store.fetch_unless(self._bucket, key, etag)
            except WorkerError as error:
                if now - seen_at >= BLIND_SECONDS:
                    self._say(str(error))
                    return self._leave(f"S3 has failed for {BLIND_SECONDS:g} s")
                continue
            seen_at = now
            if found is not None:
                offer, etag = json.loads(found[0]), found[1]
        if "dismissed" in offer:
            return self._leave(str(offer["dismissed"]))
        if "launch" not in offer:
            return self._leave("its offer is not understood")
        return self._claim(offer)

    def _claim(self, offer: Mapping[str, Any]) -> Payload | None:
        document = self._do(protocol.claim(self._id, offer))
        if not document:
            self._say(f"The offer of {offer['launch']} was taken back. The container exits.")
            return None
        self._departure.claim()
        self._say(f"Standby {self._id} runs {offer['launch']}.")
        return parse_document(document.encode(), f"the offer to standby {self._id}")

    def _leave(self, why: str) -> Payload | None:
        self._say(f"The standby exits without a task: {why}.")
        try:
            self._do(protocol.leave(self._id, why))
        except (WorkerError, protocol.InconsistentError) as error:
            self._say(f"Its answer was not written: {error}")
        return None

    def _do(self, steps: protocol.Steps[protocol.T]) -> protocol.T:
        return protocol.run(steps, self._call)

    def _call(self, operation: protocol.Operation) -> Any:
        key = self._root + operation.key
        if isinstance(operation, WriteOnce):
            body = json.dumps(dict(operation.content)).encode()
            return self._store.write_once(self._bucket, key, body)
        if isinstance(operation, Read):
            found = self._store.fetch_unless(self._bucket, key, "")
            return None if found is None else json.loads(found[0])
        if isinstance(operation, Delete):
            try:
                self._store.delete(self._bucket, key)
            except WorkerError as error:
                self._say(f"{error} The offer stays until the bucket's lifecycle rule deletes it.")
        return None

    def _import(self, preload: Any) -> None:
        """Import Airflow, what every task's process imports, and the user's own modules."""
        airflow_runtime.import_airflow()
        standby_imports.import_all()
        for name in preload:
            try:
                import_module(str(name))
            except Exception as error:  # noqa: BLE001  whatever a module of theirs raises; the task says more
                self._say(f"standby_preload: {name} cannot be imported: {error!r}")
