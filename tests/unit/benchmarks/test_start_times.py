"""The table of start times."""

from __future__ import annotations

import pytest

from benchmarks.start_times import Start, _seconds, table


def test_the_table_has_medians_and_their_ratio():
    """Each size has one row; a single slow run does not change the medians."""
    ours = [Start(2.0, 1.5), Start(9.0, 9.0), Start(2.0, 1.5)]
    stock = [Start(4.0, 3.0), Start(4.0, 3.0), Start(1.0, 1.0)]
    s3 = [Start(2.5, 1.8)]
    ways = {"stock": stock, "ours": ours, "s3": s3, "standby": [Start(0.4, 2.0)]}
    lines = table({0.25: ways}, "3.3.2", 3).splitlines()
    assert lines[2] == "| 0.25 | 4.0 s | 2.0 s | 2.5 s | 0.40 s | 3.00 s | 1.50 s | 1.80 s | 50 % and 60 % |"
    assert {line.count("|") for line in lines[:3]} == {10}
    assert "Medians of 3 runs in turns, Airflow 3.3.2" in lines[-1]
    assert "load" in lines[-1]


def test_the_engines_time_stamps_are_parsed():
    """A time stamp has nanoseconds, or ends with a whole second."""
    difference = _seconds("2026-11-26T04:00:00.123456789Z") - _seconds("2026-11-26T04:00:00Z")
    assert difference == pytest.approx(0.123456, abs=1e-6)
