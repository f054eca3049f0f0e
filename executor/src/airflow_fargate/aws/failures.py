"""What AWS's errors and stops mean: finds their row in the table of causes.

AWS publishes no list of what is safe to launch again. The table comes from its documentation and from public
issue threads. An error that is not in it counts as permanent when a launch was rejected, and as "Airflow
decides" when a task stopped: nothing is launched twice on a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_fargate.aws.failure_causes import Cause, LaunchErrorKind, words_of
from airflow_fargate.aws.launch_causes import LAUNCH_CAUSES, NO_ANSWER, NO_REASON, SERVER_ERROR
from airflow_fargate.aws.start_causes import START_CAUSES
from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CAUSES",
    "LaunchError",
    "LaunchErrorKind",
    "cause_by_id",
    "cause_of_error",
    "cause_of_stop",
    "classify_error",
    "classify_failures",
    "is_throttling",
]

CAUSES = (*LAUNCH_CAUSES, *START_CAUSES)
_PASSING = (LaunchErrorKind.THROTTLED, LaunchErrorKind.CAPACITY, LaunchErrorKind.WAIT)

_CONFLICT = "conflict"
_REJECTED = "rejected"
"""Causes outside the table: the caller knows what to do, or nobody does."""


@dataclass(frozen=True)
class LaunchError:
    """A RunTask call that returned no task.

    Args:
        kind: what it means for the next attempt.
        sentence: what AWS or boto3 said.
        existing_arns: the tasks that AWS already has for this clientToken.
        answered: AWS examined the request and says that it started nothing. False if AWS did not examine it
            (throttled, not signed, not sent), or if its outcome is unknown.
        cause: the id of the cause; two errors of the same cause differ at most in ids and addresses.
        hint: what to do, a sentence; empty if there is nothing to say.
    """

    kind: LaunchErrorKind
    sentence: str
    existing_arns: tuple[str, ...] = ()
    answered: bool = False
    cause: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Return what happened and what to do."""
        return f"{self.sentence} {self.hint}".strip()


def classify_error(error: Exception, status: int | None, body: Mapping[str, Any]) -> LaunchError:
    """Classify an exception that boto3 raised for RunTask.

    Args:
        error: the exception.
        status: HTTP status, None if there was no answer.
        body: ``ClientError.response``, empty if there was no answer.
    """
    details = body.get("Error") or {}
    code = clean(details.get("Code") or "")
    message = clean(details.get("Message") or "") or clean(error)
    sentence = f"{code}: {message}" if code else f"{type(error).__name__}: {message}"
    if code == "ConflictException":
        arns = tuple(str(each) for each in body.get("resourceIds") or details.get("resourceIds") or ())
        kind = LaunchErrorKind.PERMANENT if arns else LaunchErrorKind.UNKNOWN
        return LaunchError(kind, sentence, arns, cause=_CONFLICT)
    # An exception of boto3's own counts by its name alone: the request may have arrived, whatever it says.
    cause = _find(code, message) if code else _find(type(error).__name__)
    if (status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR and not _was_not_examined(cause, code):
        # The answer promises nothing: the task may have been started.
        cause = SERVER_ERROR
    if cause is None and not code:
        cause = NO_ANSWER
    if cause is None:
        return LaunchError(LaunchErrorKind.PERMANENT, sentence, cause=_REJECTED)
    # Only a lack of capacity asks for another request. Whatever else passes is repeated with the same token,
    # in case an earlier call with it had started a task.
    answered = cause.kind is LaunchErrorKind.CAPACITY
    return LaunchError(cause.kind, sentence, answered=answered, cause=cause.id, hint=cause.hint)


def classify_failures(failures: Sequence[Mapping[str, Any]]) -> LaunchError:
    """Classify RunTask's ``failures[]``: an answer of 200 that started nothing."""
    reasons = [clean(each.get("reason") or "") for each in failures]
    details = [clean(each.get("detail") or "") for each in failures if each.get("detail")]
    sentence = "; ".join(filter(None, reasons + details))
    sentence = sentence or "RunTask started nothing and gave no reason"
    causes = (_find("", each) for each in reasons + details)
    cause = next(filter(None, causes), None if any(reasons) else NO_REASON)
    if cause is None:
        return LaunchError(LaunchErrorKind.PERMANENT, sentence, answered=True, cause=_REJECTED)
    return LaunchError(cause.kind, sentence, answered=True, cause=cause.id, hint=cause.hint)


def cause_of_error(error: Exception) -> Cause | None:
    """Return why a call to any AWS service failed, or None if the table does not say.

    Args:
        error: what boto3 raised.
    """
    details = (getattr(error, "response", None) or {}).get("Error") or {}
    if code := clean(details.get("Code") or ""):
        return _find(code, clean(details.get("Message") or ""))
    # A proxy's or a TLS error is a kind of connection error.
    names = (each.__name__ for each in type(error).__mro__)
    return next(filter(None, map(_find, names)), None)


def cause_by_id(cause_id: str) -> Cause:
    """Return a row of the table.

    Raises:
        KeyError: there is no such row.
    """
    return {each.id: each for each in CAUSES}[cause_id]


def cause_of_stop(stop_code: str, reason: str) -> Cause | None:
    """Return why a task stopped before its container ran, or None if the table does not say.

    Args:
        stop_code: the task's stopCode.
        reason: its stoppedReason and the container's reason.
    """
    return _find(stop_code, reason)


def can_pass(cause: Cause | None) -> bool:
    """Say whether a launch that failed for this cause, and ran nothing, is worth another attempt."""
    return cause is not None and cause.kind in _PASSING


def is_throttling(code: str, message: str) -> bool:
    """Say whether an error means "too many calls".

    Throttling hides in other codes' messages too: RunTask answers InvalidParameterException with "Rate
    exceeded (ErrorCode: Throttling)" if an API behind it was throttled.
    """
    cause = _find(code, message)
    return cause is not None and cause.kind is LaunchErrorKind.THROTTLED


def _find(code: str, sentence: str = "") -> Cause | None:
    text = words_of(sentence)
    return next((each for each in CAUSES if each.has_code(code) or each.has_words(text)), None)


def _was_not_examined(cause: Cause | None, code: str) -> bool:
    """Say whether AWS gives an error with a status of 500 or more before it handles the request."""
    if cause is None:
        return False
    rejected_early = cause.kind is LaunchErrorKind.WAIT and cause.has_code(code)
    return rejected_early or cause.kind is LaunchErrorKind.THROTTLED
