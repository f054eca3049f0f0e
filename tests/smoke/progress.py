"""Prints progress: one line per finished step and, on a terminal, one moving line below."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

MOVING_WIDTH = 110


class Progress:
    """Prints steps and times.

    Args:
        out: the output.
        clock: a monotonic clock in seconds.
        terminal: whether ``out`` is a terminal, which shows a moving line; others (CI) only get more lines.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float], *, terminal: bool) -> None:
        self._out = out
        self._clock = clock
        self._terminal = terminal
        self._zero = clock()
        self._running: dict[str, tuple[float, str]] = {}
        self._lock = threading.RLock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._zero

    def line(self, text: str = "") -> None:
        """Print a line above the moving one."""
        with self._lock:
            self._erase()
            print(text, file=self._out, flush=True)
            self._draw()

    def begin(self, step: str) -> None:
        """Start a step."""
        with self._lock:
            self._running[step] = (self._clock(), "")
            if not self._terminal:
                print(f"{self._at()}  ... {step}", file=self._out, flush=True)
            self._redraw()

    def note(self, step: str, text: str) -> None:
        """Print a note about a running step, such as ``7 of 16 done``, unless it is the same as before."""
        with self._lock:
            begun, before = self._running.get(step, (self._clock(), ""))
            if text == before:
                return
            self._running[step] = (begun, text)
            if not self._terminal:
                print(f"{self._at()}      {step}: {text}", file=self._out, flush=True)
            self._redraw()

    def end(self, step: str, outcome: str = "ok") -> None:
        """End a step; ``outcome`` is ``ok``, ``FAILED`` or ``stopped``."""
        with self._lock:
            begun, note = self._running.pop(step, (self._clock(), ""))
            self._erase()
            took = self._clock() - begun
            suffix = f" ({note})" if note and outcome == "ok" else ""
            print(f"{self._at()}  {outcome:<3} {step}{suffix}, {took:.1f} s", file=self._out, flush=True)
            self._draw()

    def tick(self) -> None:
        """Refresh the moving line."""
        with self._lock:
            self._redraw()

    def _at(self) -> str:
        return f"{self.elapsed:6.1f} s"

    def _erase(self) -> None:
        if self._terminal:
            self._out.write("\r\x1b[K")

    def _draw(self) -> None:
        if self._terminal and self._running:
            now = self._clock()
            steps = [
                f"{step}{f' ({note})' if note else ''} {now - begun:.0f} s"
                for step, (begun, note) in self._running.items()
            ]
            text = f"{self._at()}  ... {', '.join(steps)}"
            self._out.write(text if len(text) <= MOVING_WIDTH else text[: MOVING_WIDTH - 3] + "...")
            self._out.flush()

    def _redraw(self) -> None:
        self._erase()
        self._draw()
