"""The table of causes: every sentence of AWS that is known, as published, and every code."""

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


def found(told: Published) -> str:
    """Return the cause that the executor finds for a sentence, where it meets it."""
    if told.where == ERROR:
        error = client_error(told.code, told.sentence)
        return classify_error(error, 400, error.response).cause
    if told.where == REASON:
        return classify_failures([{"reason": told.sentence}]).cause
    cause = cause_of_stop("TaskFailedToStart", told.sentence)
    return "" if cause is None else cause.id


@pytest.mark.parametrize("told", SENTENCES, ids=lambda each: f"{each.cause}: {each.sentence[:60]}")
def test_every_published_sentence_finds_its_cause(told: Published) -> None:
    """As AWS writes it: with its quotes, ids, ARNs and line breaks, and cut off where AWS cuts it off."""
    assert found(told) == told.cause


@pytest.mark.parametrize("told", SENTENCES, ids=lambda each: f"{each.cause}: {each.sentence[:60]}")
def test_no_cause_depends_on_punctuation_or_encoding(told: Published) -> None:
    """Curved or straight quotes, upper case, line breaks, invisible characters, UTF-8 read as Latin-1."""
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
def test_no_words_are_in_the_table_without_a_sentence(cause: Cause) -> None:
    """Each regular expression of a row fits a published sentence that this row takes."""
    texts = [words_of(each.sentence) for each in SENTENCES if each.cause == cause.id]
    unused = [each for each in cause.words if not any(re.search(rf"\b(?:{each})\b", text) for text in texts)]
    assert unused == []


def test_every_cause_has_a_name_and_says_what_to_do() -> None:
    """Names are unique. A cause that passes has a hint, too: it is shown if the cause does not pass."""
    assert len(BY_ID) == len(CAUSES)
    assert [each.id for each in CAUSES if not each.hint or not each.summary.endswith(".")] == []


def test_a_cause_that_can_pass_is_one_that_started_nothing() -> None:
    """What ran nothing and can pass is launched again; unknown and permanent causes are not."""
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
def test_an_images_name_is_no_cause(reason: str) -> None:
    """References to images, URLs and ARNs are left out before words are compared."""
    assert cause_of_stop("TaskFailedToStart", reason) == BY_ID["image_not_found"]


def test_a_sentence_that_nobody_knows_has_no_cause() -> None:
    """Nothing is guessed from half a word, and nothing from an empty sentence."""
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
def test_the_commonest_faults_come_with_their_remedy(cause: str, says: str) -> None:
    """A registry that is down is no reason to push an image; a missing route is one to look at the VPC."""
    assert says in BY_ID[cause].hint
    assert "Push" not in BY_ID["service_failed"].hint


def test_a_task_without_a_route_is_launched_again_with_the_hint_for_the_end() -> None:
    """The verdict carries hint and cause, so that the last one says what to do and repeats can be counted."""
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
def test_every_code_that_is_known_comes_with_what_to_do(code: str, cause: str, hint: str) -> None:
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
def test_every_error_of_botocores_own_has_its_cause_and_hint(name: str, cause: str) -> None:
    """By its name alone."""
    error = getattr(botocore.exceptions, name)
    failed = classify_error(error.__new__(error), None, {})
    assert (failed.cause, failed.hint) == (cause, BY_ID[cause].hint)


def test_a_new_code_promises_something_below_500_only() -> None:
    """From 500 on the task may have been started, whatever the code is called."""
    body = {"Error": {"Code": "SomethingNewException", "Message": "words"}}
    kinds = [
        classify_error(client_error("SomethingNewException"), status, body).kind for status in (499, 500)
    ]
    assert kinds == [LaunchErrorKind.PERMANENT, LaunchErrorKind.UNKNOWN]


def test_an_answer_without_a_reason_says_so() -> None:
    """RunTask's ``failures[]`` can hold nothing that a person could read."""
    nothing = classify_failures([{}])
    assert (nothing.sentence, nothing.cause) == ("RunTask started nothing and gave no reason", "no_reason")


def test_reasons_and_details_are_told_in_awss_order() -> None:
    """All of them, since only one decides."""
    failures = [{"reason": "AGENT", "detail": "a"}, {"reason": "ATTRIBUTE", "detail": "b"}]
    assert classify_failures(failures).sentence == "AGENT; ATTRIBUTE; a; b"


def test_a_container_that_may_have_run_is_left_to_airflow() -> None:
    """Its host lost sight of it: nobody knows whose doing that was, and nothing is launched again."""
    judged = judge(stopped(None, published(STOP, "container_lost")), "worker")
    assert judged.outcome is Outcome.FAILED
    assert judged.diagnosis.responsibility is Responsibility.UNKNOWN


@pytest.mark.parametrize(
    ("code", "words"),
    [("SpotInterruption", "Spot"), ("TerminationNotice", "retired"), ("InfrastructureHealth", "host failed")],
)
def test_every_stop_of_awss_own_is_told_apart(code: str, words: str) -> None:
    """While the task ran, and before."""
    diagnosis = judge(stopped(137, "a", stopCode=code, stoppedReason="b"), "worker").diagnosis
    assert words in diagnosis.summary
    assert diagnosis.reason == "b a"
    assert cause_of_stop(code, "") == BY_ID["no_capacity" if code == "SpotInterruption" else "host_lost"]
    assert can_pass(cause_of_stop(code, ""))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "x." * 500_000, "arn:x " * 100_000, "a.b/" * 250_000])
def test_a_sentence_of_megabytes_is_read_in_linear_time(text: str) -> None:
    """A container or AWS may write any text; one that takes hours to read would hold up all launches."""
    assert len(words_of(text)) <= len(text)
