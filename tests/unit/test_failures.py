"""AWS's words, and what they mean: every row of what is known about refusals and stops."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions

from airflow_fargate.failures import (
    LaunchErrorKind,
    classify_error,
    classify_failures,
    is_throttling,
    never_ran_and_may_pass,
)
from unit.examples import ARN, client_error


def kind_of(error: Exception) -> LaunchErrorKind:
    """Classify an exception as the launcher does."""
    body = getattr(error, "response", None) or {}
    return classify_error(error, (body.get("ResponseMetadata") or {}).get("HTTPStatusCode"), body).kind


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("ThrottlingException", "Rate exceeded", 400),
        ("TooManyRequestsException", "", 429),
        ("RequestLimitExceeded", "", 503),
        ("SlowDown", "", 503),
        ("InvalidParameterException", "Error ...: Rate exceeded (ErrorCode: Throttling)", 400),
        (
            "InvalidParameterException",
            (
                "Error retrieving security group information for [sg-1]: Request limit exceeded. "
                "(ErrorCode: RequestLimitExceeded)"
            ),
            400,
        ),
    ],
)
def test_throttling_is_known_also_where_it_hides(code: str, message: str, status: int) -> None:
    """Its own codes, and the messages of InvalidParameterException."""
    assert kind_of(client_error(code, message, status)) is LaunchErrorKind.THROTTLED


@pytest.mark.parametrize(
    "error",
    [
        client_error("ServerException", "Service Unavailable", 500),
        client_error("InternalFailure", "", 500),
        client_error("Whatever", "", 502),
        client_error("503", "", 503),
        client_error("RequestTimeout", "", 400),
        client_error("ServerException", "", 400),
        client_error("ConflictException", "in progress"),
        exceptions.ReadTimeoutError(endpoint_url="https://ecs"),
        exceptions.ConnectionClosedError(endpoint_url="https://ecs"),
        exceptions.HTTPClientError(error="reset"),
        exceptions.ResponseStreamingError(error="cut"),
        ConnectionResetError("peer"),
        RuntimeError("anything"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:60],
)
def test_no_answer_or_a_5xx_is_a_launch_of_unknown_outcome(error: Exception) -> None:
    """The task may have been started: only the same token may be sent again."""
    assert kind_of(error) is LaunchErrorKind.UNKNOWN


@pytest.mark.parametrize(
    "error",
    [
        client_error("ExpiredTokenException", ""),
        client_error("UnrecognizedClientException", "The security token included is invalid"),
        exceptions.NoCredentialsError(),
        exceptions.CredentialRetrievalError(provider="container-role", error_msg="timeout"),
        exceptions.EndpointConnectionError(endpoint_url="https://ecs"),
        exceptions.ConnectTimeoutError(endpoint_url="https://ecs"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_credentials_and_connections_come_back(error: Exception) -> None:
    """Nothing was sent or nothing was looked at: the task waits."""
    assert kind_of(error) is LaunchErrorKind.WAIT


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (client_error("ClusterNotFoundException", "Cluster not found."), "[fargate] cluster"),
        (client_error("ClientException", "TaskDefinition not found."), "[fargate] task_definition"),
        (client_error("ClientException", "TaskDefinition is inactive"), "active revision"),
        (client_error("AccessDeniedException", "not authorized: iam:PassRole"), "scheduler_policy_arn"),
        (client_error("InvalidParameterException", "Override for container named x is not a container"),
         "container_name"),
        (client_error("InvalidParameterException", "No Fargate configuration exists for given values"),
         "cpu and memory"),
        (client_error("InvalidParameterException", "The subnet ID 'x' does not exist"), "subnets"),
        (client_error("PlatformUnknownException", ""), "platform_version"),
        (client_error("InvalidParameterException", "something new"), "something new"),
        (client_error("ResourceNotFoundException", "gone"), "gone"),
        (client_error("BlockedException", ""), "AWS Support"),
        (exceptions.NoRegionError(), "[fargate] region"),
        (exceptions.ParamValidationError(report="Unknown parameter"), "Unknown parameter"),
    ],
)  # fmt: skip
def test_what_is_wrong_for_good_is_permanent_with_awss_words_and_a_hint(error: Exception, hint: str) -> None:
    """Not tried again; the sentence says what to correct."""
    body = getattr(error, "response", None) or {}
    refused = classify_error(error, 400 if body else None, body)
    assert refused.kind is LaunchErrorKind.PERMANENT
    assert hint in refused.sentence
    assert not refused.existing_arns


@pytest.mark.parametrize("place", ["members", "error"])
def test_a_conflict_names_the_task_that_exists(place: str) -> None:
    """Wherever botocore puts resourceIds."""
    error = client_error("ConflictException", "other parameters", resourceIds=[ARN])
    if place == "error":
        error.response["Error"]["resourceIds"] = error.response.pop("resourceIds")
    assert classify_error(error, 400, error.response).existing_arns == (ARN,)


def test_a_quota_of_tasks_at_once_is_a_lack_of_capacity() -> None:
    """Room comes as other tasks end, and Spot has a quota of its own: the chain goes on."""
    error = client_error(
        "ClientException", "You've reached the limit on the number of vCPUs you can run concurrently"
    )
    refused = classify_error(error, 400, error.response)
    assert (refused.kind, refused.answered) == (LaunchErrorKind.CAPACITY, True)


@pytest.mark.parametrize(
    ("failures", "kind"),
    [
        (
            [{"reason": "Capacity is unavailable at this time. Please try again later"}],
            LaunchErrorKind.CAPACITY,
        ),
        ([{"reason": "RESOURCE:MEMORY"}], LaunchErrorKind.WAIT),
        ([{"reason": "RESOURCE:ENI", "arn": "arn:i-1"}], LaunchErrorKind.WAIT),
        ([{"reason": "AGENT"}], LaunchErrorKind.WAIT),
        ([{"reason": "Rate exceeded"}], LaunchErrorKind.THROTTLED),
        ([{"reason": "ATTRIBUTE", "detail": "os"}], LaunchErrorKind.PERMANENT),
        ([], LaunchErrorKind.WAIT),
        ([{}], LaunchErrorKind.WAIT),
    ],
)
def test_an_answer_with_failures_started_nothing(
    failures: list[dict[str, Any]], kind: LaunchErrorKind
) -> None:
    """failures[] is an answer: the next attempt may differ, whatever the reason."""
    refused = classify_failures(failures)
    assert refused.kind is kind
    assert refused.answered
    assert refused.sentence


def test_a_refusal_that_was_not_looked_at_is_no_answer() -> None:
    """Throttled, not signed, not sent, unknown: the token may not be changed for another."""
    for error in (
        client_error("ThrottlingException"),
        client_error("ExpiredToken"),
        client_error("ServerException", "", 500),
        exceptions.NoCredentialsError(),
    ):
        body = getattr(error, "response", None) or {}
        assert not classify_error(error, 500, body).answered


@pytest.mark.parametrize(
    ("stop_code", "reason"),
    [
        ("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."),
        ("TaskFailedToStart", "Timeout waiting for EphemeralStorage provisioning to complete."),
        ("TaskFailedToStart", "CannotPullContainerError: ... dial tcp 1.2.3.4:443: i/o timeout"),
        ("TaskFailedToStart", "CannotPullContainerError: ... TLS handshake timeout"),
        ("TaskFailedToStart", "CannotPullContainerError: toomanyrequests: Rate exceeded"),
        ("TaskFailedToStart", "InternalError: unable to create"),
        ("TaskFailedToStart", "ResourceInitializationError: ... RequestError: ... i/o timeout"),
        ("TaskFailedToStart", "Capacity is unavailable at this time"),
        ("SpotInterruption", "Your Spot Task was interrupted."),
        ("TerminationNotice", ""),
        ("InfrastructureHealth", ""),
    ],
)
def test_what_never_ran_and_can_pass_is_launched_again(stop_code: str, reason: str) -> None:
    """Network interfaces, storage, time-outs of a pull, AWS's own faults, Spot taken before the start."""
    assert never_ran_and_may_pass(stop_code, reason)


@pytest.mark.parametrize(
    ("stop_code", "reason"),
    [
        ("TaskFailedToStart", "CannotPullContainerError: worker:latest: not found"),
        ("TaskFailedToStart", "CannotPullContainerError: pull access denied"),
        ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets: AccessDeniedException"),
        ("TaskFailedToStart", "CannotStartContainerError: exec: no such file"),
        ("EssentialContainerExited", "Essential container in task exited"),
        ("UserInitiated", "Task stopped by user"),
        ("", ""),
        ("TaskFailedToStart", "something new"),
    ],
)
def test_what_comes_again_is_not_launched_again(stop_code: str, reason: str) -> None:
    """An image that is not there, a permission that is missing, what nobody knows."""
    assert not never_ran_and_may_pass(stop_code, reason)


@pytest.mark.parametrize("words", ["Rate exceeded", "Request limit exceeded.", "(ErrorCode: Throttling)"])
def test_each_of_the_words_is_enough(words: str) -> None:
    """Whatever else the message says, and whatever its code."""
    assert is_throttling("InvalidParameterException", f"Something happened: {words}")


def test_throttling_needs_its_words() -> None:
    """An ordinary message is not taken for throttling."""
    assert not is_throttling("InvalidParameterException", "count should be between 1 and 10")
