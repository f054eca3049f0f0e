"""Classification of AWS's errors: every row of the table for launches and stops."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore import exceptions

from airflow_fargate.aws.failure_causes import words_of
from airflow_fargate.aws.failures import (
    LaunchErrorKind,
    cause_by_id,
    cause_of_error,
    classify_error,
    classify_failures,
    is_throttling,
)
from airflow_fargate.text import LONGEST_SENTENCE, clean
from unit.aws.aws_sentences import ERROR, REASON, published
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
def test_throttling_is_recognized(code: str, message: str, status: int) -> None:
    """By its own codes, and in messages of InvalidParameterException."""
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
def test_no_answer_and_a_5xx_have_an_unknown_outcome(error: Exception) -> None:
    """The task may have started, so only the same token may be sent again."""
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
def test_errors_of_credentials_and_connections_are_retried(error: Exception) -> None:
    """AWS did not examine the request, so the task waits."""
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
        (client_error("AccessDenied", "S3's word for it"), "scheduler_policy_arn"),
        (client_error("InvalidParameterException", "something new"), "something new"),
        (client_error("ResourceNotFoundException", "gone"), "gone"),
        (client_error("BlockedException", ""), "AWS Support"),
        (exceptions.NoRegionError(), "[fargate] region"),
        (exceptions.ParamValidationError(report="Unknown parameter"), "Unknown parameter"),
    ],
)  # fmt: skip
def test_permanent_errors_have_awss_text_and_a_hint(error: Exception, hint: str) -> None:
    """They are not retried, and the hint says what to correct."""
    body = getattr(error, "response", None) or {}
    refused = classify_error(error, 400 if body else None, body)
    assert refused.kind is LaunchErrorKind.PERMANENT
    assert hint in str(refused)
    assert not refused.existing_arns


@pytest.mark.parametrize("place", ["members", "error"])
def test_a_conflict_names_the_task_that_exists(place: str) -> None:
    """The ARNs are in one of two places."""
    error = client_error("ConflictException", "other parameters", resourceIds=[ARN])
    if place == "error":
        error.response["Error"]["resourceIds"] = error.response.pop("resourceIds")
    conflict = classify_error(error, 400, error.response)
    assert (conflict.existing_arns, conflict.cause, conflict.answered) == ((ARN,), "conflict", False)


def test_a_quota_of_tasks_at_once_is_a_lack_of_capacity() -> None:
    """AWS's message has a U+2019. Capacity returns as tasks end, and Spot has its own quota."""
    error = client_error("ClientException", published(REASON, "quota_reached"))
    rejected = classify_error(error, 400, error.response)
    assert "\u2019" in rejected.sentence
    assert (rejected.kind, rejected.answered) == (LaunchErrorKind.CAPACITY, True)


def test_an_outage_of_a_dependency_repeats_the_same_request() -> None:
    """Its code is InvalidParameterException. An earlier call may have started a task."""
    error = client_error("InvalidParameterException", published(ERROR, "dependency_failed"))
    rejected = classify_error(error, 400, error.response)
    assert (rejected.kind, rejected.answered) == (LaunchErrorKind.WAIT, False)


@pytest.mark.parametrize(
    ("code", "message", "kind", "cause"),
    [
        ("ClientException", "Capacity is unavailable", LaunchErrorKind.UNKNOWN, "server_error"),
        ("AccessDeniedException", "", LaunchErrorKind.UNKNOWN, "server_error"),
        ("SomethingNew", "", LaunchErrorKind.UNKNOWN, "server_error"),
        ("InvalidParameterException", "i/o timeout", LaunchErrorKind.UNKNOWN, "server_error"),
        ("RequestLimitExceeded", "", LaunchErrorKind.THROTTLED, "throttled"),
        ("ExpiredToken", "", LaunchErrorKind.WAIT, "credentials"),
    ],
)
def test_a_status_of_500_or_more_has_an_unknown_outcome(
    code: str, message: str, kind: LaunchErrorKind, cause: str
) -> None:
    """Except for throttling and credentials, which AWS checks before it handles a request."""
    error = client_error(code, message, 500)
    rejected = classify_error(error, 500, error.response)
    assert (rejected.kind, rejected.cause, rejected.answered) == (kind, cause, False)


def test_an_exception_of_boto3_is_classified_by_its_name() -> None:
    """Its text proves nothing: a request that timed out may have started a task."""
    for error in (RuntimeError("Rate exceeded"), RuntimeError("dial tcp: i/o timeout")):
        rejected = classify_error(error, None, {})
        assert (rejected.kind, rejected.cause) == (LaunchErrorKind.UNKNOWN, "no_answer")


def test_a_launch_error_has_awss_text_and_our_hint() -> None:
    """The cause is the same for other ids."""
    first, second = (
        classify_error(error, 400, error.response)
        for number in (1, 2)
        for error in [client_error("InvalidParameterException", f"The subnet ID 'subnet-{number}' is odd")]
    )
    assert first.sentence == "InvalidParameterException: The subnet ID 'subnet-1' is odd"
    assert first.hint == "Correct [fargate] subnets."
    assert str(first) == f"{first.sentence} {first.hint}"
    assert first.cause == second.cause == "subnet"
    unknown = client_error("SomethingNewException", "words")
    rejected = classify_error(unknown, 400, unknown.response)
    assert (str(rejected), rejected.cause) == ("SomethingNewException: words", "rejected")


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
        ([{"reason": "MISSING"}], LaunchErrorKind.PERMANENT),
        ([{"reason": "MISSING", "detail": "Rate exceeded"}], LaunchErrorKind.THROTTLED),
        ([{"detail": "words"}], LaunchErrorKind.WAIT),
        ([], LaunchErrorKind.WAIT),
        ([{}], LaunchErrorKind.WAIT),
    ],
)
def test_an_answer_with_failures_started_nothing(
    failures: list[dict[str, Any]], kind: LaunchErrorKind
) -> None:
    """failures[] is an answer, so the next attempt may differ."""
    refused = classify_failures(failures)
    assert refused.kind is kind
    assert refused.answered
    assert refused.sentence
    assert refused.cause


def test_a_request_that_was_not_examined_has_no_answer() -> None:
    """Throttled, unsigned, unsent and unknown requests must keep their token."""
    for error in (
        client_error("ThrottlingException"),
        client_error("ExpiredToken"),
        client_error("ServerException", "", 500),
        exceptions.NoCredentialsError(),
    ):
        body = getattr(error, "response", None) or {}
        assert not classify_error(error, 500, body).answered


@pytest.mark.parametrize("words", ["Rate exceeded", "Request limit exceeded.", "(ErrorCode: Throttling)"])
def test_one_of_the_words_is_enough(words: str) -> None:
    """Whatever else the message says, and whatever its code."""
    assert is_throttling("InvalidParameterException", f"Something happened: {words}")


def test_throttling_needs_its_words() -> None:
    """Other messages, and other transient causes, are not throttling."""
    assert not is_throttling("InvalidParameterException", "count should be between 1 and 10")
    assert not is_throttling("", "Capacity is unavailable at this time")


@pytest.mark.parametrize("text", ["before \x00 after", "before \ud800 after", "before " + "x" * 50_000])
def test_awss_text_is_cleaned(text: str) -> None:
    """Messages, reasons and details are shortened and safe for any database."""
    error = client_error("SomethingNewException", text)
    body = {"Error": {"Code": "SomethingNewException", "Message": text}}
    answers = (
        classify_error(error, 400, body),
        classify_failures([{"reason": text, "detail": text}]),
        classify_error(ValueError(text), None, {}),
    )
    for each in answers:
        assert "before" in each.sentence
        assert clean(each.sentence, limit=None) == each.sentence
        assert len(each.sentence) <= 3 * LONGEST_SENTENCE


@pytest.mark.parametrize("text", ["x" * 50_000, "x." * 25_000, "x:1" * 17_000])
def test_a_long_message_is_matched_in_linear_time(text: str) -> None:
    """Otherwise a launcher's thread would block the scheduler."""
    begun = time.process_time()
    words_of(text)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (client_error("NoSuchBucket"), "payload_bucket"),
        (client_error("ClientException", "Unable to describe task definition."), "task_definition"),
        (client_error("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist"), "subnet"),
        (client_error("SomethingNewException"), None),
        (exceptions.NoCredentialsError(), "credentials"),
        (exceptions.ProxyConnectionError(proxy_url="http://proxy"), "not_connected"),
        (ValueError("Rate exceeded"), None),
    ],
)
def test_an_error_of_any_service_has_its_cause(error: Exception, cause: str | None) -> None:
    """By AWS's code and message, or by the type of boto3's own exception."""
    found = cause_of_error(error)
    assert (found and found.id) == cause
    assert cause is None or cause_by_id(cause) is found


def test_an_unknown_cause_raises() -> None:
    """A wrong id is a fault of this program."""
    with pytest.raises(KeyError):
        cause_by_id("nothing")
