"""Every order in which the parties of the standby protocol can act, over the real generators.

A party is a generator of :mod:`airflow_fargate.standby.protocol`, or several one after the other. Its state
is where it stands and its variables; replaying the answers that led there gives its next operation. A party
may stop for good after any operation, which needs no move of its own: all others go on while it does nothing.
Any write may be done and its answer lost: the repeat is rejected.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Answer, Delete, Read, WriteOnce

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
    """A scheduler that adopts a launch without an ARN; one that is queued it launches."""

    def program() -> Generator[Any, Any, Any]:
        arn = yield from protocol.settle(launch, fence=queued)
        return arn or ("cold" if queued else "")

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
        # Where a party stands -> the first answers that led there, for all others that do.
        self._same: dict[Any, History] = {}
        standbys = [name for name in self._names if name.startswith("S")]
        self._begin: Store = tuple(
            sorted((protocol.offer_key(each), json.dumps({"open": {}})) for each in standbys)
        )

    def search(self, check: Callable[[dict[str, str], dict[str, Any]], str]) -> tuple[int, str]:
        """Visit every state; return how many there are, and the first complaint of the check.

        Args:
            check: gets each party's result, None while it has none, and the objects.
        """
        begun = itertools.product(*(self._chosen(number, ()) for number in range(len(self._programs))))
        stack = [(self._begin, histories) for histories in begun]
        seen = set(stack)
        while stack:
            store, histories = stack.pop()
            for number, history in enumerate(histories):
                operation, _ = self._step(number, history)
                if operation is None:
                    continue
                ways = (
                    (after, longer)
                    for after, answer in self._ways(self._names[number], operation, store)
                    for longer in self._chosen(number, (*history, answer))
                )
                for after, longer in ways:
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

    def _chosen(self, number: int, history: History) -> list[History]:
        """Return where a party may stand after its choices, which concern nobody else."""
        operation, _ = self._step(number, history)
        if not isinstance(operation, Choose):
            return [self._canonical(number, history)]
        return [found for way in range(operation.ways) for found in self._chosen(number, (*history, way))]

    def _canonical(self, number: int, history: History) -> History:
        place = number, _place(self._steps(number, history))
        return self._same.setdefault(place, history)

    def _step(self, number: int, history: History) -> tuple[Any, Any]:
        """Return a party's next operation and None, or None and its result."""
        found = self._next.get((number, history))
        if found is None:
            steps = self._steps(number, history)
            found = steps if isinstance(steps, tuple) else (steps[-1], None)
            self._next[number, history] = found
        return found

    def _steps(self, number: int, history: History) -> Any:
        """Replay a party; return its generator and next operation in a list, or (None, its result)."""
        steps = self._programs[number]()
        try:
            operation = next(steps)
            for answer in history:
                operation = steps.send(json.loads(answer) if isinstance(answer, str) else answer)
        except StopIteration as end:
            return None, end.value
        return [steps, operation]

    def _ways(self, name: str, operation: Any, store: Store) -> list[tuple[Store, Any]]:
        objects = dict(store)
        now = objects.get(operation.key)
        if isinstance(operation, Wait):
            return [] if now is not None and "open" in json.loads(now) else [(store, now)]
        if isinstance(operation, Read):
            return [(store, now)]
        if isinstance(operation, Delete):
            objects.pop(operation.key, None)
            return [(tuple(sorted(objects.items())), None)]
        accepted = (
            now is None if isinstance(operation, WriteOnce) else now is not None and "open" in json.loads(now)
        )
        if not accepted:
            return [(store, False)]
        if self._ignored(name, operation):
            return [(store, True)]
        objects[operation.key] = json.dumps(dict(operation.content))
        after = tuple(sorted(objects.items()))
        return [(after, True), (after, False)]


def _place(found: Any) -> Any:
    """Return what tells one state of a party from another: lines and variables of its generators."""
    if isinstance(found, tuple):
        return found[1]
    place: list[Any] = []
    generators = [found[0]]
    while generators:
        steps = generators.pop()
        values = dict(steps.gi_frame.f_locals) if steps.gi_frame else {}
        generators += [each for each in (steps.gi_yieldfrom, *values.values()) if isinstance(each, Generator)]
        kept = {
            name: repr(value)
            for name, value in values.items()
            if not isinstance(value, Generator) and not callable(value)
        }
        place.append(
            (steps.gi_code.co_name, steps.gi_frame and steps.gi_frame.f_lasti, tuple(sorted(kept.items())))
        )
    return tuple(place)


def _objects(store: Store) -> dict[str, Any]:
    return {key: json.loads(content) for key, content in store}


def complaint(results: dict[str, Any], objects: dict[str, Any]) -> str:
    """Say what is wrong: a launch that runs twice, or where its fate did not send it."""
    runs: dict[str, set[str]] = {}
    for name, result in results.items():
        if name.startswith("S"):
            runs.setdefault(result or "", set()).add(name)
        elif result == "cold":
            # RunTask starts one task for a clientToken, whoever calls it.
            runs.setdefault(_launch(name), set()).add("cold")
    runs.pop("", None)
    for launch, where in runs.items():
        if len(where) > 1:
            return f"{launch} runs in {', '.join(sorted(where))}"
        for standby in where - {"cold"}:
            if objects.get(protocol.fate_key(launch), {}).get("standby") not in (standby, None):
                return f"{launch} runs on {standby}, which is not its fate"
    for name, result in results.items():
        if result in results and objects.get(protocol.answer_key(result)) != {"took": _launch(name)}:
            return f"{name} takes {result} for its container, which did not take it"
    return ""


def _launch(name: str) -> str:
    return name.partition(" ")[0]


if __name__ == "__main__":
    # The whole of it takes a minute: two launches that compete, two standbys, a new scheduler.
    standbys = {name: container(name) for name in ("S1", "S2")}
    launches = {"L1 queued": scheduler("L1", "S1", "S2"), "L2 queued": scheduler("L2", "S1")}
    print(Model(standbys | launches | {"L1 adopted": new_scheduler("L1")}).search(complaint))
