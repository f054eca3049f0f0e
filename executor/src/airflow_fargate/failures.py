"""What AWS's refusals and stops mean: the only place that knows its words.

AWS publishes no list of what is safe to launch again. These come from its API reference and from public
issue threads (boto, dagster, prefect, nextflow, apache/airflow). What is not known counts as permanent when
a launch was refused, and as "Airflow decides" when a task stopped: nothing is launched twice on a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LaunchErrorKind(Enum):
    """What a failed RunTask means for the launch."""

    THROTTLED = "too many calls: slow down, the same attempt again"
    UNKNOWN = "the outcome is not known: the same attempt again, to the byte"
    CAPACITY = "nothing was started: a new attempt, with the next capacity"
    WAIT = "nothing was started and it can pass by itself: a new attempt later"
    PERMANENT = "it will be refused every time"


@dataclass(frozen=True)
class LaunchError:
    """A RunTask that gave no task.

    Args:
        kind: what it means.
        sentence: what happened and, where it is known, what to do.
        existing_arns: the tasks that AWS says exist already for this clientToken.
        answered: AWS looked at the request and says that it started nothing; False when the request was not
            looked at (throttled, not signed, not sent) or the outcome is not known.
    """

    kind: LaunchErrorKind
    sentence: str
    existing_arns: tuple[str, ...] = ()
    answered: bool = False


_THROTTLING_CODES = {
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "LimitExceededException",
    "SlowDown",
    "EC2ThrottledException",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
}
_THROTTLING_WORDS = ("rate exceeded", "request limit exceeded", "errorcode: throttling")
# Rejected credentials come back: a rotated role, a metadata service that stuttered. The task waits.
_CREDENTIAL_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
}
# The outcome is not known whatever the HTTP status says.
_UNKNOWN_CODES = {
    "ServerException",
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
# Names of botocore's own exceptions that no repeat helps against.
_HOPELESS = {
    "NoRegionError": "Set [fargate] region.",
    "InvalidRegionError": "Correct [fargate] region.",
    "ProfileNotFound": "Correct AWS_PROFILE in the scheduler's environment.",
    "ParamValidationError": "",
}
# Names of botocore's own exceptions that say that nothing was sent.
_NOT_SENT = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ProxyConnectionError",
}
_NO_CAPACITY = (
    "capacity is unavailable",
    "capacityunavailable",
    "no spot capacity",
    "insufficient capacity",
    # The account's quota of tasks or vCPUs at once, On-Demand and Spot apart: room comes as tasks end.
    "you've reached the limit on the number of",
)
# Container instances that are full (EC2): RESOURCE:CPU, RESOURCE:MEMORY, RESOURCE:ENI, AGENT.
_NO_ROOM = ("resource:", "agent", "no container instances", "noregisteredcontainerinstances")

_HINTS = {
    "ClusterNotFoundException": "Create the cluster or correct [fargate] cluster and region.",
    "AccessDeniedException": "Attach the scheduler policy (terraform output scheduler_policy_arn) to the "
    "role that the scheduler runs with.",
    "UnauthorizedOperation": "Attach the scheduler policy to the role that the scheduler runs with.",
    "PlatformUnknownException": "Correct [fargate] platform_version; LATEST always exists.",
    "PlatformTaskDefinitionIncompatibilityException": "Choose another platform_version or task definition.",
    "UnsupportedFeatureException": "This region does not offer what the request asks for.",
    "BlockedException": "AWS has blocked this account: write to AWS Support.",
}
_MESSAGE_HINTS = (
    ("taskdefinition is inactive", "Register an active revision or correct [fargate] task_definition."),
    ("taskdefinition not found", "Create the task definition or correct [fargate] task_definition."),
    ("unable to describe task definition", "Create it or correct [fargate] task_definition."),
    (
        "override for container named",
        "Correct [fargate] container_name: the task definition has no such container.",
    ),
    ("subnet", "Correct [fargate] subnets."),
    ("security group", "Correct [fargate] security_groups: at most 5, of the subnets' VPC."),
    ("network configuration must be provided", "Set [fargate] subnets and security_groups."),
    ("no fargate configuration exists", "Choose a cpu and memory that Fargate offers."),
    ("capacity provider", "Add the provider to the cluster or correct capacity_chain."),
)


def classify_error(error: Exception, status: int | None, body: Mapping[str, Any]) -> LaunchError:
    """Classify an exception that boto3 raised for RunTask.

    Args:
        error: the exception.
        status: HTTP status, None when there was no answer.
        body: ``ClientError.response``, empty when there was no answer.
    """
    details = body.get("Error") or {}
    code = str(details.get("Code") or "")
    message = str(details.get("Message") or "") or str(error)
    words = f"{code}: {message}" if code else f"{type(error).__name__}: {message}"
    if is_throttling(code, message):
        return LaunchError(LaunchErrorKind.THROTTLED, words)
    if code == "ConflictException":
        arns = tuple(str(each) for each in body.get("resourceIds") or details.get("resourceIds") or ())
        return LaunchError(LaunchErrorKind.UNKNOWN if not arns else LaunchErrorKind.PERMANENT, words, arns)
    if code in _CREDENTIAL_CODES or type(error).__name__ in _NOT_SENT:
        return LaunchError(LaunchErrorKind.WAIT, words)
    hint = _hint(code, message) if code else _HOPELESS.get(type(error).__name__)
    if hint is None or (status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _UNKNOWN_CODES:
        # No answer, or one that promises nothing: the task may have been started.
        return LaunchError(LaunchErrorKind.UNKNOWN, words)
    if any(each in message.lower() for each in _NO_CAPACITY):
        return LaunchError(LaunchErrorKind.CAPACITY, words, answered=True)
    return LaunchError(LaunchErrorKind.PERMANENT, f"{words} {hint}".strip())


def classify_failures(failures: Sequence[Mapping[str, Any]]) -> LaunchError:
    """Classify RunTask's ``failures[]``: an answer of 200 that started nothing."""
    reasons = [str(each.get("reason") or "") for each in failures]
    details = [str(each.get("detail") or "") for each in failures if each.get("detail")]
    words = "; ".join(filter(None, reasons + details)) or "RunTask started nothing and gave no reason"
    lower = words.lower()
    if is_throttling("", words):
        return LaunchError(LaunchErrorKind.THROTTLED, words, answered=True)
    if any(each in lower for each in _NO_CAPACITY):
        return LaunchError(LaunchErrorKind.CAPACITY, words, answered=True)
    if any(each in lower for each in _NO_ROOM) or not any(reasons):
        return LaunchError(LaunchErrorKind.WAIT, words, answered=True)
    return LaunchError(LaunchErrorKind.PERMANENT, f"{words} {_hint('', words)}".strip(), answered=True)


def is_throttling(code: str, message: str) -> bool:
    """Say whether an error means "too many calls".

    Throttling hides in other codes' messages too: InvalidParameterException with "Rate exceeded (ErrorCode:
    Throttling)" or "Request limit exceeded. (ErrorCode: RequestLimitExceeded)" is what RunTask answers when
    an API behind it was throttled.
    """
    lower = message.lower()
    return code in _THROTTLING_CODES or any(each in lower for each in _THROTTLING_WORDS)


def _hint(code: str, message: str) -> str:
    lower = message.lower()
    return next((hint for words, hint in _MESSAGE_HINTS if words in lower), _HINTS.get(code, ""))


# --- tasks that stopped -------------------------------------------------------------------------------------

_PASSING_STOPS = (
    "timeout waiting for network interface provisioning",
    "timeout waiting for ephemeralstorage provisioning",
    "unexpected ec2 error while attempting to create network interface",
    "capacity is unavailable",
    "internalerror",
    "rate exceeded",
    "service unavailable",
)
_PASSING_PULLS = (
    "i/o timeout",
    "tls handshake timeout",
    "connection reset",
    "toomanyrequests",
    "too many requests",
)


def never_ran_and_may_pass(stop_code: str, reason: str) -> bool:
    """Say whether a task that stopped before its container started is worth launching again.

    ``stop_code`` and ``reason`` are the task's stopCode and stoppedReason. The caller knows that nothing ran.
    """
    if stop_code in ("SpotInterruption", "TerminationNotice", "InfrastructureHealth"):
        return True
    lower = reason.lower()
    if "cannotpullcontainer" in lower or "resourceinitializationerror" in lower:
        # Both words stand for causes of either kind: a registry that hiccupped, an image that is not there.
        return any(each in lower for each in _PASSING_PULLS) or (
            "resourceinitializationerror" in lower and any(each in lower for each in _PASSING_STOPS)
        )
    return any(each in lower for each in _PASSING_STOPS)
