"""A launch of unknown outcome at the end of its budget: asked for, looked for, and only then given up."""

from __future__ import annotations

from botocore import exceptions

from airflow_fargate.tasks.messages import Accepted, LaunchFailed
from unit.examples import ARN, an_attempt, client_error, launch_id
from unit.launching.launcher_bench import Bench


def test_unknown_at_the_deadline_it_is_asked_for_a_while_longer() -> None:
    """RunTask with the same token is the exact question; it is answered after the deadline."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "", 500)] * 8)
    bench.launcher.submit(an_attempt(deadline=30.0))
    bench.run(200)
    assert isinstance(bench.said[0], Accepted)
    assert set(bench.tokens) == {"-0"}


def test_unknown_for_too_long_it_is_looked_for() -> None:
    """RunTask keeps failing, and ListTasks shows the container: it is taken."""
    bench = Bench()
    bench.ecs.run_task(clientToken="t", startedBy=f"airflow/{launch_id()}")
    bench.fail(*[client_error("ServerException", "", 500)] * 100)
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(400)
    (said,) = bench.said
    assert isinstance(said, Accepted)
    assert said.ecs_task.arn in bench.ecs.tasks


def test_unknown_and_not_found_it_is_given_up() -> None:
    """With what AWS said last."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "try later", 500)] * 100)
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(400)
    (said,) = bench.said
    assert isinstance(said, LaunchFailed)
    assert "try later" in said.sentence


def test_refused_for_good_after_an_unknown_outcome_it_is_looked_for_first() -> None:
    """A role was removed meanwhile: not given up before ListTasks could have shown a container."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"), *[client_error("AccessDeniedException")] * 9)
    bench.launcher.submit(an_attempt())
    bench.run(5)
    assert bench.said == []
    bench.ecs._by_token["t"] = ARN
    bench.ecs.tasks[ARN] = bench.ecs._new_task(ARN, {"startedBy": f"airflow/{launch_id()}"})
    bench.run(60)
    (said,) = bench.said
    assert said.ecs_task.arn == ARN


def test_when_even_the_search_fails_it_is_said_and_the_payload_stays() -> None:
    """There may be a container on its way to it; the reaper is named."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "", 500)] * 100)
    bench.ecs.list_tasks = lambda **_: 1 / 0  # type: ignore[method-assign,assignment]
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(600)
    (said,) = bench.said
    assert "airflow fargate reap" in said.sentence
    assert len(bench.s3.objects) == 1


def test_an_empty_answer_to_a_repeated_call_proves_nothing() -> None:
    """The first call may have started a container, so the token stays the same."""
    bench = Bench()
    bench.fail(client_error("ServerException", "", 500))
    bench.ecs.reject_capacity("")
    bench.launcher.submit(an_attempt(deadline=300.0))
    bench.run(100)
    assert isinstance(bench.said[0], Accepted)
    assert set(bench.tokens) == {"-0"}
