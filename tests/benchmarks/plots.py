"""Line plots as SVG, written by hand: no dependency for three pictures. Pure: points in, text out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Points = list[list[float]]
WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 34, 44, 52
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'
_GREY = 'text-anchor="middle" fill="#52606d"'
_TICKS = 6


@dataclass(frozen=True)
class Line:
    """One curve. style: line, dashes, or dots."""

    label: str
    points: Sequence[Sequence[float]]
    colour: str
    style: str = "line"


@dataclass(frozen=True)
class Axis:
    """An axis: its title, and whether it is logarithmic (then from ``low`` on)."""

    title: str
    log: bool = False
    low: float = 0.0

    def place(self, value: float, high: float) -> float:
        """Return where a value lies, 0 to 1."""
        if not self.log:
            return (value - self.low) / max(high - self.low, 1e-9)
        span = math.log10(max(high, self.low * 10)) - math.log10(self.low)
        return (math.log10(max(value, self.low)) - math.log10(self.low)) / span

    def ticks(self, high: float) -> list[float]:
        """Return the values that get a number."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(max(high, self.low * 10)))
            return [10.0**power for power in range(first, last + 1) if 10.0**power <= high * 1.01]
        step = 10 ** math.floor(math.log10(max(high, 1e-9) / _TICKS))
        step *= next(each for each in (1, 2, 5, 10) if high / (step * each) <= _TICKS)
        return [step * number for number in range(int(high / step) + 1)]


def plot(title: str, across: Axis, up: Axis, lines: Sequence[Line]) -> str:
    """Return a picture of the curves."""
    right = max((point[0] for line in lines for point in line.points), default=1.0)
    high = max((point[1] for line in lines for point in line.points), default=1.0) * (3 if up.log else 1.05)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {_FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600" fill="#1f2933">{escape(title)}</text>',
        *_grid(across, up, right, high),
    ]
    for number, line in enumerate(lines):
        places = [
            (
                LEFT + across.place(point[0], right) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - up.place(point[1], high) * (HEIGHT - TOP - BOTTOM),
            )
            for point in line.points
        ]
        parts.extend(_drawn(line, places))
        y = TOP + 18 + 19 * number
        parts.append(f'<rect x="{LEFT + 14}" y="{y - 9}" width="14" height="9" rx="2" fill="{line.colour}"/>')
        parts.append(f'<text x="{LEFT + 34}" y="{y}" fill="#1f2933">{escape(line.label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: Axis, up: Axis, right: float, high: float) -> list[str]:
    parts = []
    for value in up.ticks(high):
        y = HEIGHT - BOTTOM - up.place(value, high) * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e7eb"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#52606d">{value:,g}</text>'
        )
    for value in across.ticks(right):
        x = LEFT + across.place(value, right) * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" {_GREY}>{value:,g}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle" '
        f'fill="#52606d">{escape(across.title)}</text>'
    )
    parts.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})" '
        f'fill="#52606d">{escape(up.title)}</text>'
    )
    return parts


def _drawn(line: Line, places: list[tuple[float, float]]) -> list[str]:
    if line.style == "dots":
        return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{line.colour}"/>' for x, y in places]
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dashes = ' stroke-dasharray="6 5"' if line.style == "dashes" else ""
    return [f'<path d="M{way}" fill="none" stroke="{line.colour}" stroke-width="2"{dashes}/>'] if way else []
