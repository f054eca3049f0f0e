"""Every order in which the parties of the standby protocol can act, over the real generators.

A party is a generator of :mod:`airflow_fargate.standby.protocol`, or several one after the other. Its state is
what it was answered so far: replaying the answers gives its next operation. A party may stop for good after any
operation, which needs no move of its own: all others go on while it does nothing. Any write may be done and its
answer lost: the repeat is rejected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Answer, Delete, Read, Replace, WriteOnce

Program = Callable[[], Generator[Any, Any, Any]]
Ignored = Callable[[str, Any], bool]
"""Gets a party's name and a write; says whether the write is left out, and answered as if it was done."""


@dataclass(frozen=True)
class Choose:
    """A party may go on in so many ways: time passes, a call fails."""

    ways: int


def scheduler(launch: str, *standbys: str) -> Program:
    """The scheduler that queued a launch: offers it to one of the standbys, or launches it cold."""

    def program() -> Generator[Any, Any, Any]:
        standby = standbys[(yield Choose(len(standbys)))]
        if not (yield from protocol.decide(launch, standby, standby)):
            return "cold"
        offered = protocol.make_offer(launch, standby, "open", lambda: "token")
        step = next(offered)
        while True:
            answer = yield step
            if (yield Choose(2)) == 1:
                break  # The call failed, done or not: what is offered is not known.
            try:
                step = offered.send(answer)
            except StopIteration as end:
                if not end.value:
                    return "cold"
                break
        if (yield Choose(2)) == 0:
            found = yield from protocol.acknowledge(launch, standby)
            if found is not Answer.NONE:
                return standby if found is Answer.TOOK else "cold"
        return standby if (yield from protocol.recall(launch, standby)) else "cold"

    return program


def new_scheduler(launch: str, *, queued: bool = True) -> Program:
    """A scheduler that adopts a launch without an ARN."""

    def program() -> Generator[Any, Any, Any]:
        arn = yield from protocol.settle(launch, fence=queued)
        return arn or "cold"

    return program


def container(standby: str) -> Program:
    """A standby: looks at its offer, takes it, or leaves."""

    def program() -> Generator[Any, Any, Any]:
        if (yield Choose(2)) == 1:  # SIGTERM, or its time is up.
            yield from protocol.leave(standby, "SIGTERM")
            return ""
        offer = yield Read(protocol.offer_key(standby))
        while "open" in offer:
            if (yield Choose(2)) == 1:
                yield from protocol.leave(standby, "SIGTERM")
                return ""
            offer = yield Wait(protocol.offer_key(standby))
        if "dismissed" in offer:
            yield from protocol.leave(standby, "dismissed")
            return ""
        return offer["launch"] if (yield from protocol.claim(standby, offer)) else ""

    return program


def dismisser(standby: str) -> Program:
    """A scheduler that has one standby too many."""

    def program() -> Generator[Any, Any, Any]:
        yield from protocol.dismiss(standby, "open", "surplus")
        return ""

    return program


@dataclass(frozen=True)
class Wait:
    """Poll until the offer is no longer open: the polls in between change nothing."""

    key: str


Store = tuple[tuple[str, str], ...]
History = tuple[Any, ...]


class Model:
    """The search.

    Args:
        parties: name -> program; names that begin with "S" are standbys.
        ignored: which writes are left out.
    """

    def __init__(self, parties: dict[str, Program], ignored: Ignored = lambda *_: False) -> None:
        self._names = list(parties)
        self._programs = list(parties.values())
        self._ignored = ignored
        self._next: dict[tuple[int, History], tuple[Any, Any]] = {}
        standbys = [name for name in self._names if name.startswith("S")]
        self._begin: Store = tuple(
            sorted((protocol.offer_key(each), json.dumps({"open": {}})) for each in standbys)
        )

    def search(self, check: Callable[[dict[str, str], dict[str, Any]], str]) -> tuple[int, str]:
        """Visit every state; return how many there are, and the first complaint of the check.

        Args:
            check: gets each party's result, None while it has none, and the objects.
        """
        begin = (self._begin, tuple(() for _ in self._programs))
        seen = {begin}
        stack = [begin]
        while stack:
            store, histories = stack.pop()
            for number, history in enumerate(histories):
                operation, _ = self._step(number, history)
                if operation is None:
                    continue
                for after, answer in self._ways(self._names[number], operation, store):
                    longer = (*history, answer)
                    state = (after, (*histories[:number], longer, *histories[number + 1 :]))
                    if state in seen:
                        continue
                    seen.add(state)
                    stack.append(state)
                    if self._step(number, longer)[0] is None and (
                        complaint := check(self._results(state[1]), _objects(after))
                    ):
                        return len(seen), complaint
        return len(seen), ""

    def _results(self, histories: tuple[History, ...]) -> dict[str, Any]:
        ends = (self._step(number, history) for number, history in enumerate(histories))
        return {name: result for name, (_, result) in zip(self._names, ends, strict=True)}

    def _step(self, number: int, history: History) -> tuple[Any, Any]:
        """Return a party's next operation and None, or None and its result."""
        found = self._next.get((number, history))
        if found is None:
            steps = self._programs[number]()
            try:
                operation = next(steps)
                for answer in history:
                    operation = steps.send(json.loads(answer) if isinstance(answer, str) else answer)
                found = operation, None
            except StopIteration as end:
                found = None, end.value
            self._next[number, history] = found
        return found

    def _ways(self, name: str, operation: Any, store: Store) -> list[tuple[Store, Any]]:
        if isinstance(operation, Choose):
            return [(store, way) for way in range(operation.ways)]
        objects = dict(store)
        now = objects.get(operation.key)
        if isinstance(operation, Wait):
            return [] if now is not None and "open" in json.loads(now) else [(store, now)]
        if isinstance(operation, Read):
            return [(store, now)]
        if isinstance(operation, Delete):
            objects.pop(operation.key, None)
            return [(tuple(sorted(objects.items())), None)]
        accepted = now is None if isinstance(operation, WriteOnce) else now is not None and "open" in json.loads(now)
        if not accepted:
            return [(store, False)]
        if self._ignored(name, operation):
            return [(store, True)]
        objects[operation.key] = json.dumps(dict(operation.content))
        after = tuple(sorted(objects.items()))
        return [(after, True), (after, False)]


def _objects(store: Store) -> dict[str, Any]:
    return {key: json.loads(content) for key, content in store}


def complaint(results: dict[str, Any], objects: dict[str, Any]) -> str:
    """Say what is wrong: a launch that runs twice, or where its fate did not send it."""
    runs: dict[str, list[str]] = {}
    for name, result in results.items():
        if name.startswith("S"):
            if result:
                runs.setdefault(result, []).append(name)
                if objects.get(protocol.fate_key(result), {}).get("standby") != name:
                    return f"{result} runs on {name}, which is not its fate"
        elif result == "cold":
            # RunTask starts one task for a clientToken, whoever calls it.
            runs.setdefault(name.partition(" ")[0], []).append("cold")
    for launch, where in runs.items():
        if len(set(where)) > 1:
            return f"{launch} runs in {', '.join(sorted(set(where)))}"
    for name, result in results.items():
        if result in results and objects.get(protocol.answer_key(result)) != {"took": name.partition(" ")[0]}:
            return f"{name} takes {result} for its container, which did not take it"
    return ""
