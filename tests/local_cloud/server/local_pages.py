"""The cloud's own pages under /_local/: health, tasks, inventory, calls, faults."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.lifecycle import Change
from local_cloud.ecs.rendering import TIMELINE, as_iso, task_document
from local_cloud.fast_json import decode
from local_cloud.faults.injection import EventFaults, Fault
from local_cloud.faults.limits import Limits
from local_cloud.simulated.behaviour import Behaviour
from local_cloud.simulated.engine import SimulatedEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.databases.instances import Databases
    from local_cloud.ecs.engine import Engine
    from local_cloud.ecs.plane import TaskPlane
    from local_cloud.ecs.records import Task
    from local_cloud.server.call_book import CallBook


class LocalPages:
    """Answers for one cloud. `regions` are those anybody has used, `book` who called what, if it is kept."""

    def __init__(
        self,
        plane: TaskPlane,
        engine: Engine,
        inventory: Callable[[frozenset[str]], dict[str, list[str]]],
        book: CallBook | None = None,
        databases: Databases | None = None,
    ) -> None:
        self._plane = plane
        self._engine = engine
        self._inventory = inventory
        self.book = book
        self._databases = databases
        self.regions: set[str] = set()

    async def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Status and document of a page."""
        page = path.removeprefix("/_local/").strip("/")
        acts: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "health"): lambda _: {"status": "ok"},
            ("GET", "tasks"): lambda _: {"tasks": [task_page(task) for task in self._plane.tasks()]},
            ("GET", "calls"): lambda _: {"calls": [] if self.book is None else self.book.calls()},
            ("GET", "faults"): lambda _: {
                "injected": self._plane.faults.injected,
                "calls": self._plane.calls,
            },
            ("POST", "faults"): self._set_faults,
            ("GET", "services"): lambda _: {"services": self._plane.services.pages(as_iso)},
            ("POST", "interrupt"): self._interrupt,
            ("POST", "kill"): self._kill,
            ("GET", "databases"): lambda _: {"databases": self._servers().page()},
            ("POST", "databases"): self._change_databases,
            ("GET", "rds-ca.pem"): lambda _: self._servers().authority.bundle,
        }
        if (method, page) == ("GET", "inventory"):
            return 200, await asyncio.to_thread(self._inventory, frozenset(self.regions))
        act = acts.get((method, page))
        if act is None:
            pages = ", ".join(sorted({name for _, name in acts} | {"inventory"}))
            return 404, {"error": f"there is no {method} {path}; there are {pages}"}
        try:
            return 200, act(decode(body) if body else {})
        except (ValueError, TypeError, AttributeError) as error:
            return 400, {"error": str(error)}

    def _set_faults(self, wanted: dict[str, Any]) -> dict[str, Any]:
        faults = self._plane.faults
        known = {"clear", "faults", "events", "describe_lag", "limits", "behaviour", "next_behaviours"}
        if unknown := set(wanted) - known:
            raise ValueError(f"unknown members {sorted(unknown)}; there are {sorted(known)}")
        if wanted.get("clear"):
            faults.clear()
        faults.add(*(_parse(Fault, item) for item in wanted.get("faults", [])))
        if "events" in wanted:
            faults.events = _parse(EventFaults, wanted["events"])
        if "describe_lag" in wanted:
            faults.describe_lag = float(wanted["describe_lag"])
        if "limits" in wanted:
            faults.limits = None if wanted["limits"] is None else Limits(**wanted["limits"])
        if "behaviour" in wanted or "next_behaviours" in wanted:
            if not isinstance(self._engine, SimulatedEngine):
                raise ValueError("only the simulated engine takes behaviours: start with --engine simulated")
            if "behaviour" in wanted:
                self._engine.default = _parse(Behaviour, wanted["behaviour"])
            self._engine.next_behaviours.extend(
                _parse(Behaviour, item) for item in wanted.get("next_behaviours", [])
            )
        return {"status": "ok"}

    def _interrupt(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Stop tasks as AWS would: `tasks` (ARNs; all when missing), `stop_code`, `stopped_reason`."""
        chosen = wanted.get("tasks")
        change = Change(
            stop_code=wanted.get("stop_code", "SpotInterruption"),
            stopped_reason=wanted.get("stopped_reason", "Your Spot Task was interrupted."),
        )
        stopped = self._plane.change_all(change, lambda task: chosen is None or task.arn in chosen)
        return {"tasks": stopped}

    def _kill(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Kill a container: `task` (its ARN) and `container`, the first essential one if it is missing."""
        self._plane.kill(str(wanted.get("task")), wanted.get("container"))
        return {"status": "ok"}

    def _servers(self) -> Databases:
        if self._databases is None:
            raise ValueError("there are no databases here: they need --engine docker, PostgreSQL and root")
        return self._databases

    def _change_databases(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`failover`: {id, seconds} breaks a database for a while; `rotate`: {id, gap} its password."""
        if unknown := set(wanted) - {"failover", "rotate"}:
            raise ValueError(f"unknown members {sorted(unknown)}; there are failover and rotate")
        servers = self._servers()
        if (failover := wanted.get("failover")) is not None:
            servers.fail_over(servers.find(failover.get("id")), float(failover.get("seconds", 60)))
        if (given := wanted.get("rotate")) is not None:
            from local_cloud.moto_gaps.rds import rotate  # noqa: PLC0415  moto is loaded by the server only

            rotate(servers.find(given.get("id")), float(given.get("gap", 5)))
        return {"status": "ok"}


def task_page(task: Task) -> dict[str, Any]:
    """A task as /_local/tasks shows it: ECS's own document, and what a person looks for at the top."""
    return {
        **task_document(task, as_iso, tags=True),
        "taskId": task.task_id,
        "clientToken": task.client_token,
        "exitCodes": {item.name: item.exit_code for item in task.containers},
        "reasons": {item.name: item.reason for item in task.containers if item.reason},
        "timeline": {
            name: as_iso(seconds) for name, field in TIMELINE if (seconds := getattr(task, field)) is not None
        },
    }


def _parse(kind: type[Any], document: dict[str, Any]) -> Any:
    names = {field.name for field in dataclasses.fields(kind)}
    if unknown := set(document) - names:
        raise ValueError(f"{kind.__name__} has no {sorted(unknown)}; it has {sorted(names)}")
    # JSON has lists where the records have tuples (ranges, operation names).
    return kind(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
    )
