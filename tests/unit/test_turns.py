"""Who may compute: launchers one by one, the scheduler before them, and nobody for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, HTTPClientError

from airflow_fargate.ecs import BotoClients
from airflow_fargate.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOREVER = 60.0
"""Longer than any test waits."""


class Wire:
    """Answers a client's requests in place of AWS, and does something while the client waits."""

    def __init__(self, client: Any) -> None:
        self.meanwhile: Callable[[], Any] = lambda: None
        self.status, self.requests = 200, []  # type: tuple[int, list[Any]]
        client.meta.events.register_last("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        self.meanwhile()
        answer = AWSResponse(request.url, self.status, {}, None)
        answer._content = b"{}"
        return answer


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes clients with made-up credentials, which turns watch."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return lambda turns: BotoClients("us-east-1", 4, turns.watch)


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    """Return other threads."""
    with ThreadPoolExecutor() as pool:
        yield pool


def has_a_turn(turns: Turns) -> bool:
    """Say whether a thread has the turn now."""
    return turns._turn.locked()


def test_the_turn_is_passed_on_while_the_answer_is_awaited(clients: Any, others: Any) -> None:
    """Another launcher computes meanwhile; with the answer the first waits for its turn again."""
    turns = Turns(longest_turn=FOREVER)
    ecs = clients(turns)("ecs")
    wire, seen = Wire(ecs), []

    def another() -> None:
        with turns.mine():
            seen.append("another")

    wire.meanwhile = lambda: others.submit(another).result(10)
    with turns.mine():
        ecs.list_tasks(cluster="airflow")
        seen.append("the first")
        assert has_a_turn(turns)
    assert seen == ["another", "the first"]
    assert not has_a_turn(turns)


@pytest.mark.parametrize("fault", ["status", "no answer"])
def test_after_a_failure_nobody_waits_for_the_turn_that_boto3_may_sleep_away(
    clients: Any, fault: str
) -> None:
    """boto3 sleeps before it asks again: nobody is to wait for that."""
    turns = Turns(longest_turn=FOREVER)
    ecs = clients(turns)("ecs")
    wire = Wire(ecs)
    wire.status = 503

    def lost() -> None:
        raise HTTPClientError(error="the connection was closed")

    wire.meanwhile = lost if fault == "no answer" else wire.meanwhile
    with turns.mine():
        with pytest.raises((ClientError, HTTPClientError)):
            ecs.list_tasks(cluster="airflow")
        assert not has_a_turn(turns)
        # What it does after that is out of turn, another call too.
        wire.status, wire.meanwhile = 200, lambda: None
        ecs.list_tasks(cluster="airflow")
        assert not has_a_turn(turns)


def test_who_has_no_turn_waits_for_none(clients: Any) -> None:
    """The listener and the reconciler call AWS by the same clients."""
    turns = Turns(longest_turn=FOREVER)
    ecs = clients(turns)("ecs")
    Wire(ecs)
    turns._turn.acquire()
    ecs.list_tasks(cluster="airflow")
    assert has_a_turn(turns)


def test_launchers_pause_while_the_scheduler_is_in_a_heartbeat(others: Any) -> None:
    """And go on when it ends."""
    turns, went, begun = Turns(longest_heartbeat=FOREVER), threading.Event(), threading.Event()

    def launcher() -> None:
        begun.set()
        with turns.mine():
            went.set()

    with turns.scheduler_first():
        future = others.submit(launcher)
        assert begun.wait(10)
        assert not went.wait(0.02)
    future.result(10)
    assert went.is_set()


def test_the_scheduler_waits_for_nobody(others: Any) -> None:
    """Whoever has the turn, and whoever looks whether the scheduler is there."""
    turns = Turns()
    turns._turn.acquire()
    turns._scheduler.acquire()
    with turns.scheduler_first():
        pass
    assert turns._scheduler.locked()  # Not its own to release.
    others.submit(turns._scheduler.release).result(10)
    with pytest.raises(ZeroDivisionError), turns.scheduler_first():
        raise ZeroDivisionError
    assert not turns._scheduler.locked()


def test_a_turn_or_a_heartbeat_that_hangs_holds_up_no_launch() -> None:
    """Each is waited for so long and no longer; the turn stays its holder's."""
    turns = Turns(longest_turn=0.01, longest_heartbeat=0.01)
    turns._turn.acquire()
    with turns.scheduler_first(), turns.mine():
        pass
    assert has_a_turn(turns)
