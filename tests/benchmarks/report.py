"""Turns figures into docs/benchmarks.md, its plots, and the lines printed to the terminal."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.page import page
from benchmarks.plots import Line, plot

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scenarios import Outcome

OURS, PEER, BOUND = "#0b7285", "#c92a2a", "#868e96"
_MOST_POINTS = 400


def machine() -> dict[str, str]:
    """Return the versions and the machine that made the figures."""
    packages = ("apache-airflow", "apache-airflow-providers-amazon", "airflow-fargate", "boto3", "botocore")
    return {
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def summary(name: str, outcome: Outcome) -> str:
    """Return a scenario's figures for the terminal."""
    lines = [f"\n== {name}"]
    for label, case in outcome.cases.items():
        lines.append(f"-- {label}")
        for executor, figures in case.items():
            values = "  ".join(f"{key}={short(value)}" for key, value in figures.items())
            lines.append(f"   {executor}: {values}")
    return "\n".join(lines)


def short(value: Any) -> str:
    """Return a number with three significant digits."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def write_page(document: dict[str, Any], docs: Path) -> None:
    """Write benchmarks.md and its plots."""
    pictures = docs / "benchmarks"
    pictures.mkdir(parents=True, exist_ok=True)
    for name, text in plots(document["scenarios"]).items():
        (pictures / f"{name}.svg").write_text(text, encoding="utf-8")
    (docs / "benchmarks.md").write_text(page(document), encoding="utf-8")


def plots(scenarios: dict[str, Any]) -> dict[str, str]:
    """Return file name -> SVG, for the scenarios that have figures."""
    found = {}
    if "burst" in scenarios:
        curves = scenarios["burst"]["curves"]
        for name, label, times in (
            ("launches", "default limits, inline", 1),
            ("launches_raised", "limits x 10, inline", 10),
        ):
            count = max(point[1] for point in curves[label]["ours"])
            found[name] = plot(
                f"{count:,.0f} launches at once, {label}",
                "seconds since the tasks were queued",
                "containers launched",
                [
                    Line("the most that AWS's limits allow", _bound_line(count, times), BOUND, "dashes"),
                    Line("FargateExecutor", _thinned(curves[label]["ours"]), OURS),
                    Line("AwsEcsExecutor", _thinned(curves[label]["peer"]), PEER),
                ],
            )
        label = "heartbeats: default limits, inline"
        found["heartbeats"] = plot(
            "How long heartbeat() blocks the scheduler during launches",
            "seconds since the tasks were queued",
            "milliseconds (logarithmic)",
            [
                Line("FargateExecutor", _thinned(curves[label]["ours"]), OURS, "dots"),
                Line("AwsEcsExecutor", _thinned(curves[label]["peer"]), PEER, "dots"),
            ],
            log=True,
        )
    if "steady" in scenarios:
        curve = scenarios["steady"]["curves"]["ECS calls a minute"]
        found["calls"] = plot(
            "ECS calls per minute by running tasks",
            "running tasks",
            "calls per minute (logarithmic)",
            [Line("FargateExecutor", curve["ours"], OURS), Line("AwsEcsExecutor", curve["peer"], PEER)],
            log=True,
        )
    return found


def _bound_line(count: float, times: int) -> list[list[float]]:
    at_once, rate = 20 * times, 20 * times
    return [[0, 0], [0, at_once], [(count - at_once) / rate, count]]


def _thinned(points: list[list[float]]) -> list[list[float]]:
    step = max(1, len(points) // _MOST_POINTS)
    return [*points[::step], points[-1]] if points else []
