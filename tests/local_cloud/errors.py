"""What the task plane answers when it refuses, and what it says when it cannot start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AwsError(Exception):
    """An error as ECS answers it: code, message, HTTP status and further members of the body."""

    code: str
    message: str
    status: int = 400
    members: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class LostResponse(Exception):  # noqa: N818 - it names what happened to the answer, not a fault of ours
    """The call was carried out, and its answer never reaches the caller."""


class StartError(Exception):
    """The local cloud cannot start; the message is one sentence that says what to do."""


def invalid(message: str) -> AwsError:
    """An InvalidParameterException with this message."""
    return AwsError("InvalidParameterException", message)
