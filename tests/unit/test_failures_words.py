"""Every word of AWS that is known by name: a row lost or misspelt is a task that fails for nothing."""

from __future__ import annotations

import botocore.exceptions
import pytest

from airflow_fargate.failures import (
    LaunchErrorKind,
    classify_error,
    classify_failures,
    never_ran_and_may_pass,
)
from airflow_fargate.verdict import judge
from unit.examples import client_error, stopped

THROTTLED = """ThrottlingException Throttling ThrottledException TooManyRequestsException RequestLimitExceeded
RequestThrottled RequestThrottledException LimitExceededException SlowDown EC2ThrottledException
BandwidthLimitExceeded PriorRequestNotComplete"""
CREDENTIALS = """ExpiredToken ExpiredTokenException UnrecognizedClientException InvalidClientTokenId
InvalidSignatureException RequestExpired SignatureDoesNotMatch"""
UNKNOWN = """ServerException InternalFailure InternalError InternalServerError RequestTimeout
RequestTimeoutException ServiceUnavailable ServiceUnavailableException"""
NOT_SENT = """NoCredentialsError PartialCredentialsError CredentialRetrievalError TokenRetrievalError
SSOTokenLoadError UnauthorizedSSOTokenError EndpointConnectionError ConnectTimeoutError
ProxyConnectionError"""
HOPELESS = "NoRegionError InvalidRegionError ProfileNotFound ParamValidationError"


def of_code(code: str) -> LaunchErrorKind:
    """Classify an error of this code, with a status that says nothing."""
    body = {"Error": {"Code": code, "Message": "words"}}
    return classify_error(client_error(code), 400, body).kind


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (THROTTLED, LaunchErrorKind.THROTTLED),
        (CREDENTIALS, LaunchErrorKind.WAIT),
        (UNKNOWN, LaunchErrorKind.UNKNOWN),
    ],
)
def test_every_code_that_is_known_is_what_it_is(codes: str, kind: LaunchErrorKind) -> None:
    """And one that is not known is permanent: nothing is launched twice on a guess."""
    assert {code: of_code(code) for code in codes.split()} == dict.fromkeys(codes.split(), kind)
    assert of_code("SomethingNewException") is LaunchErrorKind.PERMANENT


@pytest.mark.parametrize(
    ("names", "kind"), [(NOT_SENT, LaunchErrorKind.WAIT), (HOPELESS, LaunchErrorKind.PERMANENT)]
)
def test_every_error_of_botocores_own_is_what_it_is(names: str, kind: LaunchErrorKind) -> None:
    """Known by names that botocore has; none of them says that something was started."""
    for name in names.split():
        error = getattr(botocore.exceptions, name)
        assert classify_error(error.__new__(error), None, {}).kind is kind, name


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Capacity is unavailable at this time", LaunchErrorKind.CAPACITY),
        ("CapacityUnavailable", LaunchErrorKind.CAPACITY),
        ("There is no Spot capacity", LaunchErrorKind.CAPACITY),
        ("insufficient capacity", LaunchErrorKind.CAPACITY),
        ("You've reached the limit on the number of vCPUs", LaunchErrorKind.CAPACITY),
        ("RESOURCE:CPU", LaunchErrorKind.WAIT),
        ("AGENT", LaunchErrorKind.WAIT),
        ("No Container Instances were found in your cluster", LaunchErrorKind.WAIT),
        ("NoRegisteredContainerInstances", LaunchErrorKind.WAIT),
        ("MISSING", LaunchErrorKind.PERMANENT),
    ],
)
def test_every_reason_of_a_failure_is_what_it_is(reason: str, kind: LaunchErrorKind) -> None:
    """Of RunTask's ``failures[]``; its detail is told too."""
    found = classify_failures([{"reason": reason, "detail": "and why"}])
    assert found.kind is kind
    assert found.sentence.startswith(f"{reason}; and why")
    assert classify_failures([{"reason": reason}]).sentence.startswith(reason)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("TaskDefinition is inactive", "active revision"),
        ("TaskDefinition not found", "Create the task definition"),
        ("Unable to describe task definition", "Create it"),
        ("Override for container named x is not a container in the TaskDefinition", "container_name"),
        ("The subnet ID 'subnet-1' does not exist", "[fargate] subnets"),
        ("The security group 'sg-1' does not exist", "security_groups"),
        ("Network Configuration must be provided", "subnets and security_groups"),
        ("No Fargate configuration exists for given values", "cpu and memory"),
        ("The specified capacity provider was not found", "capacity_chain"),
    ],
)
def test_every_message_that_is_known_comes_with_what_to_do(message: str, hint: str) -> None:
    """AWS's own words first, then ours."""
    body = {"Error": {"Code": "InvalidParameterException", "Message": message}}
    found = classify_error(client_error("InvalidParameterException", message), 400, body)
    assert found.sentence.startswith(f"InvalidParameterException: {message} ")
    assert hint in found.sentence


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ClusterNotFoundException", "Create the cluster"),
        ("AccessDeniedException", "scheduler_policy_arn"),
        ("UnauthorizedOperation", "Attach the scheduler policy"),
        ("PlatformUnknownException", "LATEST"),
        ("PlatformTaskDefinitionIncompatibilityException", "another platform_version"),
        ("UnsupportedFeatureException", "region does not offer"),
        ("BlockedException", "AWS Support"),
    ],
)
def test_every_code_that_is_known_comes_with_what_to_do(code: str, hint: str) -> None:
    """Whatever the message says."""
    body = {"Error": {"Code": code, "Message": "words"}}
    assert hint in classify_error(client_error(code), 400, body).sentence


def test_a_new_code_promises_something_below_500_only() -> None:
    """From 500 on the task may have been started, whatever the code is called."""
    body = {"Error": {"Code": "SomethingNewException", "Message": "words"}}
    kinds = [
        classify_error(client_error("SomethingNewException"), status, body).kind for status in (499, 500)
    ]
    assert kinds == [LaunchErrorKind.PERMANENT, LaunchErrorKind.UNKNOWN]


def test_an_answer_without_a_reason_says_so() -> None:
    """RunTask's ``failures[]`` can hold nothing that a person could read."""
    assert classify_failures([{}]).sentence == "RunTask started nothing and gave no reason"


@pytest.mark.parametrize(
    ("reason", "passes"),
    [
        ("Unexpected EC2 error while attempting to create Network Interface", True),
        ("Rate exceeded", True),
        ("Service Unavailable", True),
        ("CannotPullContainerError: connection reset by peer", True),
        ("CannotPullContainerError: Too Many Requests", True),
        ("ResourceInitializationError: too many requests", True),
        ("ResourceInitializationError: Rate exceeded", True),
        ("ResourceInitializationError: service unavailable", True),
        ("CannotPullContainerError: InternalError", False),
        ("ResourceInitializationError: not authorized", False),
    ],
)
def test_every_reason_of_a_stop_that_can_pass_is_known(reason: str, passes: bool) -> None:  # noqa: FBT001  the example
    """By itself, or behind the word for a pull or for what comes before it; a pull has words of its own."""
    assert never_ran_and_may_pass("TaskFailedToStart", reason) is passes


@pytest.mark.parametrize(
    ("code", "words"),
    [("SpotInterruption", "Spot"), ("TerminationNotice", "retired"), ("InfrastructureHealth", "host failed")],
)
def test_every_stop_of_awss_own_is_told_apart(code: str, words: str) -> None:
    """While the task ran, and before."""
    diagnosis = judge(stopped(137, "a", stopCode=code, stoppedReason="b"), "worker").diagnosis
    assert words in diagnosis.summary
    assert diagnosis.reason == "b a"
    assert never_ran_and_may_pass(code, "")
