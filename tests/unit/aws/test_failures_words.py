"""The table of causes: every published message and every code."""

from __future__ import annotations

import re

import botocore.exceptions
import pytest

from airflow_fargate.aws.failure_causes import Cause, LaunchErrorKind, words_of
from airflow_fargate.aws.failures import (
    CAUSES,
    can_pass,
    cause_of_stop,
    classify_error,
    classify_failures,
)
from airflow_fargate.tasks.verdict import Outcome, Responsibility, judge
from unit.aws.aws_sentences import ERROR, REASON, SENTENCES, STOP, Published, published
from unit.examples import client_error, stopped

BY_ID = {each.id: each for each in CAUSES}
THROTTLED = """ThrottlingException Throttling ThrottledException TooManyRequestsException RequestLimitExceeded
RequestThrottled RequestThrottledException LimitExceededException SlowDown EC2ThrottledException
BandwidthLimitExceeded PriorRequestNotComplete"""
CREDENTIALS = """ExpiredToken ExpiredTokenException UnrecognizedClientException InvalidClientTokenId
InvalidAccessKeyId
InvalidSignatureException RequestExpired SignatureDoesNotMatch"""
UNKNOWN = """ServerException InternalFailure InternalError InternalServerError RequestTimeout
RequestTimeoutException ServiceUnavailable ServiceUnavailableException"""
NOT_SENT = """NoCredentialsError PartialCredentialsError CredentialRetrievalError TokenRetrievalError
SSOTokenLoadError UnauthorizedSSOTokenError EndpointConnectionError ConnectTimeoutError
ProxyConnectionError"""
HOPELESS = "NoRegionError InvalidRegionError ProfileNotFound ParamValidationError"


def of_code(code: str) -> LaunchErrorKind:
    """Classify an error of this code, with a status without meaning."""
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
def test_every_known_code_has_its_kind(codes: str, kind: LaunchErrorKind) -> None:
    """An unknown code is permanent: nothing is launched twice on a guess."""
    assert {code: of_code(code) for code in codes.split()} == dict.fromkeys(codes.split(), kind)
    assert of_code("SomethingNewException") is LaunchErrorKind.PERMANENT


@pytest.mark.parametrize(
    ("names", "kind"), [(NOT_SENT, LaunchErrorKind.WAIT), (HOPELESS, LaunchErrorKind.PERMANENT)]
)
def test_every_error_of_botocore_has_its_kind(names: str, kind: LaunchErrorKind) -> None:
    """The names exist in botocore, and none of them means that a task started."""
    for name in names.split():
        error = getattr(botocore.exceptions, name)
        assert classify_error(error.__new__(error), None, {}).kind is kind, name


def found(told: Published) -> str:
    """Return the cause that the executor finds for a message."""
    if told.where == ERROR:
        error = client_error(told.code, told.sentence)
        return classify_error(error, 400, error.response).cause
    if told.where == REASON:
        return classify_failures([{"reason": told.sentence}]).cause
    cause = cause_of_stop("TaskFailedToStart", told.sentence)
    return "" if cause is None else cause.id


@pytest.mark.parametrize("told", SENTENCES, ids=lambda each: f"{each.cause}: {each.sentence[:60]}")
def test_every_published_message_has_its_cause(told: Published) -> None:
    """With AWS's quotes, ids, ARNs and line breaks, and cut off where AWS cuts it off."""
    assert found(told) == told.cause


@pytest.mark.parametrize("told", SENTENCES, ids=lambda each: f"{each.cause}: {each.sentence[:60]}")
def test_no_cause_depends_on_punctuation_or_encoding(told: Published) -> None:
    """For example curved quotes, upper case, line breaks, invisible characters, wrong decoding."""
    curved = told.sentence.replace("'", "\u2019").replace('"', "\u201d").replace("-", "\u2011")
    variants = (
        curved,
        told.sentence.replace("\u2019", "'").upper(),
        told.sentence.replace(" ", "\r\n\u00a0"),
        f"\ufeff{told.sentence[:5]}\u200b{told.sentence[5:]}",
        curved.encode().decode("latin-1"),
        curved.encode("ascii", "replace").decode(),
    )
    assert {found(told._replace(sentence=each)) for each in variants} == {told.cause}


@pytest.mark.parametrize("cause", [each for each in CAUSES if each.words], ids=lambda each: each.id)
def test_all_words_in_the_table_have_a_published_message(cause: Cause) -> None:
    """Each regular expression matches a published message of its row."""
    texts = [words_of(each.sentence) for each in SENTENCES if each.cause == cause.id]
    unused = [each for each in cause.words if not any(re.search(rf"\b(?:{each})\b", text) for text in texts)]
    assert unused == []


def test_every_cause_has_a_unique_name_and_a_hint() -> None:
    """A transient cause needs a hint as well, for when it lasts."""
    assert len(BY_ID) == len(CAUSES)
    assert [each.id for each in CAUSES if not each.hint or not each.summary.endswith(".")] == []


def test_a_transient_cause_started_nothing() -> None:
    """Only such launches are repeated."""
    told = [each for each in SENTENCES if each.where == STOP]
    again = {each.cause for each in told if can_pass(cause_of_stop("", each.sentence))}
    kinds = {BY_ID[each].kind for each in again}
    assert kinds == {LaunchErrorKind.WAIT, LaunchErrorKind.THROTTLED}
    rest = {BY_ID[each.cause].kind for each in told if each.cause not in again}
    assert rest == {LaunchErrorKind.PERMANENT, LaunchErrorKind.UNKNOWN}
    assert not can_pass(None)


@pytest.mark.parametrize(
    "reason",
    [
        "CannotPullContainerError: failed to resolve ref docker.io/acme/timeout:eof: not found",
        "CannotPullContainerError: 1.dkr.ecr.eu-west-1.amazonaws.com/503-service-unavailable:1: not found",
        "CannotPullContainerError: https://registry/v2/i/o/timeout: not found",
    ],
)
def test_names_of_images_are_ignored(reason: str) -> None:
    """Image references, URLs and ARNs are removed before the words are compared."""
    assert cause_of_stop("TaskFailedToStart", reason) == BY_ID["image_not_found"]


def test_an_unknown_message_has_no_cause() -> None:
    """Part of a word or an empty message matches nothing."""
    for reason in ("", "something new", "Essential container in task exited", "reagent: location", "eof"):
        assert cause_of_stop("EssentialContainerExited", reason) is None


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        ("network_unreachable", "NAT gateway, or VPC endpoints for ecr.api, ecr.dkr, S3"),
        ("network_unreachable", "egress on port 443"),
        ("network_unreachable", "assign_public_ip"),
        ("image_pull_retried", "NAT gateway"),
        ("quota_reached", "higher Fargate quota"),
        ("image_not_found", "Push the image"),
        ("image_access_denied", "execution role"),
        ("role_not_ready", "ecs-tasks.amazonaws.com"),
    ],
)
def test_the_most_common_causes_have_their_remedy(cause: str, says: str) -> None:
    """For example, a registry that is down does not mean that the image is missing."""
    assert says in BY_ID[cause].hint
    assert "Push" not in BY_ID["service_failed"].hint


def test_a_task_without_a_route_is_launched_again_with_a_hint() -> None:
    """The verdict has hint and cause, so that the last failure says what to do."""
    first = judge(stopped(None, published(STOP, "network_unreachable")), "worker")
    other = judge(stopped(None, published(STOP, "network_unreachable", "us-east-2")), "worker")
    assert first.outcome is other.outcome is Outcome.LAUNCH_AGAIN
    assert first.diagnosis.cause == other.diagnosis.cause == "network_unreachable"
    assert first.diagnosis.reason != other.diagnosis.reason
    assert "NAT gateway" in str(first.diagnosis)


@pytest.mark.parametrize(
    ("code", "cause", "hint"),
    [
        ("ClusterNotFoundException", "cluster", "Create the cluster"),
        ("AccessDeniedException", "access_denied", "scheduler_policy_arn"),
        ("UnauthorizedOperation", "access_denied", "Attach the scheduler policy"),
        ("PlatformUnknownException", "platform_version", "LATEST"),
        ("PlatformTaskDefinitionIncompatibilityException", "platform_incompatible", "another platform_ver"),
        ("UnsupportedFeatureException", "unsupported_in_region", "region does not offer"),
        ("BlockedException", "account_blocked", "AWS Support"),
    ],
)
def test_every_known_code_has_a_hint(code: str, cause: str, hint: str) -> None:
    """Whatever the message says."""
    body = {"Error": {"Code": code, "Message": "words"}}
    rejected = classify_error(client_error(code), 400, body)
    assert rejected.cause == cause
    assert hint in rejected.hint


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("NoCredentialsError", "credentials"),
        ("ConnectTimeoutError", "not_connected"),
        ("ReadTimeoutError", "no_answer"),
        ("NoRegionError", "no_region"),
        ("InvalidRegionError", "wrong_region"),
        ("ProfileNotFound", "wrong_profile"),
        ("ParamValidationError", "wrong_request"),
    ],
)
def test_every_error_of_botocore_has_its_cause_and_hint(name: str, cause: str) -> None:
    """By its name alone."""
    error = getattr(botocore.exceptions, name)
    failed = classify_error(error.__new__(error), None, {})
    assert (failed.cause, failed.hint) == (cause, BY_ID[cause].hint)


def test_an_unknown_code_is_trusted_below_500_only() -> None:
    """From 500 on, the task may have started."""
    body = {"Error": {"Code": "SomethingNewException", "Message": "words"}}
    kinds = [
        classify_error(client_error("SomethingNewException"), status, body).kind for status in (499, 500)
    ]
    assert kinds == [LaunchErrorKind.PERMANENT, LaunchErrorKind.UNKNOWN]


def test_an_answer_without_a_reason_says_so() -> None:
    """RunTask's ``failures[]`` may have no reason."""
    nothing = classify_failures([{}])
    assert (nothing.sentence, nothing.cause) == ("RunTask started nothing and gave no reason", "no_reason")


def test_reasons_and_details_keep_awss_order() -> None:
    """All of them are kept, because only one decides."""
    failures = [{"reason": "AGENT", "detail": "a"}, {"reason": "ATTRIBUTE", "detail": "b"}]
    assert classify_failures(failures).sentence == "AGENT; ATTRIBUTE; a; b"


def test_a_container_that_may_have_run_is_left_to_airflow() -> None:
    """Its host lost track of it, so nothing is launched again."""
    judged = judge(stopped(None, published(STOP, "container_lost")), "worker")
    assert judged.outcome is Outcome.FAILED
    assert judged.diagnosis.responsibility is Responsibility.UNKNOWN


@pytest.mark.parametrize(
    ("code", "words"),
    [("SpotInterruption", "Spot"), ("TerminationNotice", "retired"), ("InfrastructureHealth", "host failed")],
)
def test_every_stop_by_aws_has_its_cause(code: str, words: str) -> None:
    """While the task ran, and before."""
    diagnosis = judge(stopped(137, "a", stopCode=code, stoppedReason="b"), "worker").diagnosis
    assert words in diagnosis.summary
    assert diagnosis.reason == "b a"
    assert cause_of_stop(code, "") == BY_ID["no_capacity" if code == "SpotInterruption" else "host_lost"]
    assert can_pass(cause_of_stop(code, ""))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "x." * 500_000, "arn:x " * 100_000, "a.b/" * 250_000])
def test_a_message_of_megabytes_is_matched_in_linear_time(text: str) -> None:
    """A container may write any text, and a slow match would block all launches."""
    assert len(words_of(text)) <= len(text)
