"""Mutants that no test can notice, or that none should, each with its reason."""

from __future__ import annotations

_LABELS = (
    'rate_limiter: kind = "FARGATE_SPOT" if capacity == "FARGATE_SPOT" else "FARGATE"',
    "the two buckets' names are seen by nobody: it matters that there are two of them, which tests hold",
)
_TINY = (
    "rate_limiter: return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self._rate | GtE -> Gt",
    "differs for one value of a float",
)

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
    "retry: longest: float = min(self.longest, self.first * (1 << min(refusals - 1, 16))) | 16 -> 17": (
        "65,536 seconds are above any longest wait: the limit only keeps the number small"
    ),
}
"""``module: the line's text | the change`` -> why."""
