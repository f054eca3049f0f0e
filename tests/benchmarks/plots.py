"""Line plots as SVG, drawn by matplotlib. The same figures give the same text."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLES: dict[str, dict[str, Any]] = {
    "line": {"linewidth": 2},
    "dashes": {"linewidth": 2, "linestyle": "--", "marker": "", "zorder": 3},
    "dots": {"linestyle": "none", "marker": "o", "markersize": 4},
}
_FEW_POINTS = 10
"""A line with at most this many points marks each of them, so that a single point can be seen."""
_SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.size": 10}


@dataclass(frozen=True)
class Line:
    """One curve.

    Args:
        label: its text in the legend.
        points: pairs of x and y.
        colour: as in CSS.
        style: line, dashes, or dots.
    """

    label: str
    points: Sequence[Sequence[float]]
    colour: str
    style: str = "line"


def plot(title: str, x_label: str, y_label: str, lines: Sequence[Line], *, log: bool = False) -> str:
    """Return the SVG of the curves.

    Args:
        title: what the picture shows.
        x_label: the title of the x axis, with its unit.
        y_label: the title of the y axis, with its unit.
        lines: the curves; one without points is left out.
        log: whether the y axis is logarithmic.
    """
    with mpl.rc_context(_SVG):
        figure = Figure(figsize=(8, 4.6), layout="constrained")
        axes = figure.add_subplot()
        for line in lines:
            if line.points:
                x, y = zip(*line.points, strict=True)
                style = _STYLES[line.style]
                if len(x) <= _FEW_POINTS:
                    style = {"marker": "o", **style}
                axes.plot(x, y, color=line.colour, label=line.label, **style)
        figure.suptitle(title, x=0.01, ha="left", weight="bold")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_xlim(left=0)
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(numticks=8))
        else:
            axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(_number))
        axes.xaxis.set_major_formatter(FuncFormatter(_number))
        axes.grid(color="#e4e7eb")
        axes.spines[["top", "right"]].set_visible(False)
        # Above the axes, where it covers no point.
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=len(lines), frameon=False, borderaxespad=0.2
        )
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    return "\n".join(each.rstrip() for each in text.getvalue().splitlines()) + "\n"


def _number(value: float, _position: int | None = None) -> str:
    return f"{value:,g}"
