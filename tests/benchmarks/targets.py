"""Compares figures with their targets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One figure of our executor and its limit.

    Args:
        text: the promise.
        scenario: where the figure is.
        case: the beginning of a case's label; empty for all cases, of which the worst counts.
        key: the figure's name.
        most: the limit; None for the peer's figure in the same case.
        pattern: how the figure is formatted.
        missed: why the target may be missed.
    """

    text: str
    scenario: str
    case: str
    key: str
    most: float | None
    pattern: str = "{:.2f}"
    missed: str = ""


_BOTO = "boto3's calls alone cost as much, or nearly (next row, and the table below)"
_EVENTS = "the same, and a thousand RUNNING events are handled at the same time"
_DESCRIBED = "most of it is boto3 parsing fifteen answers a minute with a hundred tasks each"
_BUS = "EventBridge and SQS add a tenth of a second or more to the same heartbeat"
_OVER_BOTO = 1.3
"""How many times boto3's own CPU a launch may cost. The ratio holds on a slow machine too."""
TARGETS = (
    Target(
        "a thousand tasks at default limits, times the bound", "burst", "default", "times_the_bound", 1.05
    ),
    Target("... RunTask calls throttled", "burst", "default", "throttled_share", 0.02, "{:.1%}"),
    Target(
        "limits x 10, inline, times the larger of the bound and the scheduler alone",
        "burst",
        "limits x 10, inline",
        "times_the_larger",
        1.5,
    ),
    Target("limits x 10, S3, the same", "burst", "limits x 10, S3", "times_the_larger", 1.5),
    Target("heartbeat() p99 while launching, ms", "burst", "", "heartbeat_p99_ms", 50, "{:.1f}"),
    Target("heartbeats' share of the loop's time", "burst", "", "heartbeat_share", 0.02, "{:.2%}"),
    Target(
        "CPU per launch, inline, limits x 10, ms",
        "burst",
        "limits x 10, inline",
        "cpu_ms_per_launch",
        2.5,
        missed=_BOTO,
    ),
    Target("... times boto3's own calls", "burst", "limits x 10, inline", "times_the_bare_calls", _OVER_BOTO),
    Target("... default limits, ms", "burst", "default", "cpu_ms_per_launch", 2.5, missed=_EVENTS),
    Target("CPU per launch, S3, ms", "burst", "limits x 10, S3", "cpu_ms_per_launch", 5, missed=_BOTO),
    Target("... times boto3's own calls", "burst", "limits x 10, S3", "times_the_bare_calls", _OVER_BOTO),
    *(
        Target(f"{scenario}: {text}", scenario, "", key, 0, "{}")
        for scenario in ("faults", "gap", "killed", "events", "shared")
        for text, key in (
            ("second containers", "duplicates"),
            ("lost", "lost"),
            ("wrongly failed", "wrongly_failed"),
        )
    ),
    Target("10,000 running: heartbeat() p99, ms", "steady", "10000", "heartbeat_p99_ms", 5),
    Target("... CPU of the process", "steady", "10000", "cpu_share", 0.01, "{:.2%}", _DESCRIBED),
    Target("... ECS calls, busiest minute", "steady", "10000", "ecs_calls_in_busiest_minute", 20, "{}"),
    Target("... bytes per task", "steady", "10000", "bytes_per_task", 2048, "{:,.0f}"),
    Target("10 tasks a second: exit to event p50, s", "churn", "", "exit_to_event_p50_s", 1.2),
    Target("... p99, s", "churn", "", "exit_to_event_p99_s", 2.2),
    Target("... AWS calls per task, inline", "churn", "5000 others running, inline", "calls_per_task", 2.5),
    Target("... AWS calls per task, S3", "churn", "5000 others running", "calls_per_task", 3.5),
    Target(
        "40 tasks: exit to event p50, s; the peer's", "small", "", "exit_to_event_p50_s", None, missed=_BUS
    ),
    Target("adopting 5,000, s", "adoption", "5000", "adoption_s", 1, "{:.3f}"),
    Target("... SELECTs", "adoption", "5000", "adoption_selects", 5, "{}"),
    Target("standby hit: queued to first line p50, s", "standby", "standby hit", "p50_s", 1),
    Target("... p99, s", "standby", "standby hit", "p99_s", 2),
    Target("... tasks without a first line", "standby", "standby hit", "missing", 0, "{}"),
    Target("a thousand tasks with refills on, times the bound", "refills", "", "times_the_bound", 1.05),
    Target("... heartbeat() p99, ms", "refills", "", "heartbeat_p99_ms", 50, "{:.1f}"),
    Target("two schedulers: an event from the queue to its owner p99, s", "shared", "", "event_lag_p99_s", 2),
)


def table(scenarios: Figures) -> list[str]:
    """Return the lines of the table, for the scenarios that have figures."""
    lines = ["| target | at most | measured | |", "|---|---:|---:|---|"]
    for target in TARGETS:
        cases = {
            label: case
            for label, case in scenarios.get(target.scenario, {}).get("cases", {}).items()
            if label.startswith(target.case) and target.key in case.get("ours", {})
        }
        if not cases:
            continue
        worst = max(cases.values(), key=lambda case: float(case["ours"][target.key]))
        found = worst["ours"][target.key]
        most = target.most if target.most is not None else worst.get("peer", {}).get(target.key)
        if most is None:
            continue
        verdict = "" if found <= most else "**missed**" + (f": {target.missed}" if target.missed else "")
        lines.append(
            f"| {target.text} | {target.pattern.format(most)} | {target.pattern.format(found)} | {verdict} |"
        )
    return lines
