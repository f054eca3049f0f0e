"""Mutants that no test can or should notice, each with its reason."""

from __future__ import annotations

_LABELS = (
    'aws.rate_limiter: kind = "FARGATE_SPOT" if capacity == "FARGATE_SPOT" else "FARGATE"',
    "nobody sees the names of the two buckets; tests check that there are two",
)
_TINY = (
    (
        "aws.rate_limiter: return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self._rate | GtE"
        " -> Gt"
    ),
    "differs for one value of a float",
)
_BEYOND = "the next size would be a whole step further, so the range has the same end"

SURVIVORS: dict[str, str] = {
    _TINY[0]: _TINY[1],
    **{
        f"{_LABELS[0]} | {change}": _LABELS[1]
        for change in (
            "Eq -> NotEq",
            "condition -> its opposite",
            "'FARGATE_SPOT' -> other text",
            "'FARGATE' -> other text",
        )
    },
    "settings.sizes: return tuple(range(first * GIB, last * GIB + 1, step * GIB)) | 1 -> 2": _BEYOND,
    "settings.sizes: 8192: _gib(16, 60, 4), | 60 -> 61": _BEYOND,
    "settings.sizes: 16384: _gib(32, 120, 8), | 120 -> 121": _BEYOND,
    "settings.sizes: size = nearest(0, 2 * memory) | 0 -> 1": "no size has less than 256 units",
    **{
        f'aws.failures: "{name}", | {name!r} -> other text': "only mypy reads __all__"
        for name in (
            "CAUSES",
            "cause_by_id",
            "cause_of_error",
            "LaunchError",
            "LaunchErrorKind",
            "cause_by_id",
            "cause_of_error",
            "cause_of_stop",
            "classify_error",
            "classify_failures",
            "is_throttling",
        )
    },
    "aws.start_causes: _EXECUTION_ROLE_HINT = \"Give the task definition's execution role the permission "
    'that AWS names" | "Give the task definition\'s execution role the permission that AWS names" -> other '
    "text": "the beginning of a hint for people",
    'aws.failure_causes: return " ".join(re.findall(r"[a-z0-9]+", _REFERENCE.sub(" ", visible))) | '
    "' ' -> other text": "any text there separates words",
    "aws.failures: if (status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR and not "
    "_was_not_examined(cause, code): | 0 -> 1": "both are below 500",
}
"""``module: the line's text | the change`` -> why."""
