"""The catalogue, first part: what goes wrong between a queued task and its container."""

from __future__ import annotations

from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

from chaos import acts
from chaos.scenario import Scenario
from local_cloud import Behaviour, EventFaults, Fault
from scenarios.outages import Outage, answered, done_and_raised, raised, refused

RUN = ("RunTask",)
LONG = Behaviour(run=(60.0, 120.0))
TIMEOUT = ConnectTimeoutError(endpoint_url="https://ecs.us-east-1.amazonaws.com/")
NO_ENDPOINT = EndpointConnectionError(endpoint_url="https://ecs.us-east-1.amazonaws.com/")
EXPIRED = refused("ExpiredTokenException", "The security token included in the request is expired")


def failures_of(*reasons: str) -> dict[str, object]:
    """Return RunTask's answer with these reasons in its ``failures``."""
    failures = [{"arn": "arn:aws:ecs:us-east-1:123456789012:x", "reason": each} for each in reasons]
    return {"tasks": [], "failures": failures}


LAUNCHING = (
    Scenario(
        "throttled",
        "RunTask throttled for a minute",
        "RunTask limits; #35792, #36348",
        limits=True,
        faults=(Fault("throttle", RUN, until=60),),
    ),
    Scenario(
        "default limits",
        "300 tasks at once meet AWS's token buckets",
        "RunTask limits; #34381",
        tasks=300,
        limits=True,
        faults=(Fault("throttle", RUN, probability=0.05, until=30),),
    ),
    Scenario(
        "hidden throttling",
        "InvalidParameterException whose message says Throttling",
        "what a refusal means; #54777",
        faults=(Fault("hidden_throttle", RUN, probability=0.7, until=60),),
    ),
    Scenario(
        "throttling in failures[]",
        "RunTask answers 200 and Rate exceeded in failures[]",
        "RunTask limits",
        outages=(Outage(answered(failures_of("Rate exceeded")), "ecs", ("run_task",), until=30),),
    ),
    Scenario(
        "server errors",
        "HTTP 500, nothing was done",
        "retry rule",
        faults=(Fault("server_error", RUN, 0.6, until=60),),
    ),
    Scenario(
        "server errors after",
        "HTTP 500, and the container was started",
        "retry rule",
        faults=(Fault("server_error_after", RUN, 0.6, until=60),),
    ),
    Scenario(
        "every answer 500",
        "RunTask works and answers 500 for eight minutes",
        "retry rule",
        behaviour=LONG,
        faults=(Fault("server_error_after", RUN, until=480),),
        seconds=700,
    ),
    Scenario(
        "lost answers",
        "half of RunTask's answers never arrive",
        "clientToken; provider: second container",
        faults=(Fault("lost", RUN, 0.5, until=90),),
    ),
    Scenario(
        "every answer lost",
        "no answer of RunTask arrives for ten minutes",
        "clientToken",
        expected="all succeed: the events tell of the containers",
        behaviour=LONG,
        faults=(Fault("lost", RUN, until=600),),
        seconds=900,
    ),
    Scenario(
        "answers and events lost",
        "no answer and no event until the launch's deadline",
        "#20466, clientToken",
        expected="all succeed: the containers are looked for by launch id",
        behaviour=Behaviour(run=900.0),
        events=EventFaults(lost=1.0),
        faults=(Fault("lost", RUN, until=900),),
        seconds=1400,
    ),
    Scenario(
        "connection refused",
        "EndpointConnectionError for a minute",
        "#35412",
        outages=(Outage(raised(lambda: NO_ENDPOINT), "ecs", until=60),),
    ),
    Scenario(
        "connect timeout",
        "ConnectTimeoutError for a minute",
        "retry rule",
        outages=(Outage(raised(lambda: TIMEOUT), "ecs", until=60),),
    ),
    Scenario(
        "an error nobody knows",
        "the client raises a RuntimeError after the call",
        "provider: handler raises",
        outages=(Outage(done_and_raised(lambda: RuntimeError("surprise")), "ecs", ("run_task",), until=30),),
    ),
    Scenario(
        "unknown 4xx",
        "RunTask answers a code that nobody has documented",
        "retry rule: 4xx no",
        expected="fail at once, and say the code",
        fail=10,
        refuse=10,
        containers=0,
        says="BrandNewException",
        outages=(Outage(refused("BrandNewException", "?"), "ecs", ("run_task",)),),
    ),
    Scenario(
        "no credentials",
        "NoCredentialsError for a minute",
        "#36179; provider: raises out of sync",
        outages=(Outage(raised(NoCredentialsError), until=60),),
    ),
    Scenario(
        "partial credentials",
        "PartialCredentialsError while launching",
        "#36179",
        outages=(Outage(raised(lambda: PartialCredentialsError(provider="env", cred_var="x")), until=60),),
    ),
    Scenario(
        "credentials expire",
        "every service answers ExpiredTokenException in the middle",
        "#36179",
        acts=((40.0, acts.launch(5)),),
        outages=(Outage(EXPIRED, after=30, until=100),),
    ),
    Scenario(
        "no client",
        "the client itself cannot be made (metadata service)",
        "#36179",
        outages=(Outage(raised(lambda: OSError("metadata")), operations=("client",), until=60),),
    ),
    Scenario(
        "policy detached",
        "AccessDeniedException of RunTask",
        "#35412",
        expected="fail at once, and say which policy",
        fail=10,
        refuse=10,
        containers=0,
        says="scheduler policy",
        outages=(Outage(refused("AccessDeniedException", "not authorized"), "ecs", ("run_task",)),),
    ),
)
