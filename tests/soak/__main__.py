"""`python -m soak`: simulated days, then real minutes over HTTP; exits with 1 if anything grows."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from airflow_fargate.tasks import index
from soak.days import Days
from soak.executor_process import Plan
from soak.gauges import HEADER, Sample, growths
from soak.hunt import hunt
from soak.minutes import soak

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS_SECONDS, MINUTES_SECONDS = 3600.0, 600.0
TASKS_A_DAY = 2000
REMEMBERED = 1000
"""Ended tasks that the executor remembers here, instead of 10,000. Its memory grows until then."""
PARTS = ("days", "minutes", "hunt")


def main() -> int:
    """Run the parts and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--seconds", type=float, help="of each part, instead of an hour and ten minutes")
    parser.add_argument("--only", choices=PARTS, help="one part; hunt runs only if named")
    parser.add_argument("--seeds", type=int, default=12, help="seeds of the hunt")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    parts = (given.only,) if given.only else PARTS[:2]
    found = []
    if "days" in parts:
        found.append(_days(given.seconds or DAYS_SECONDS))
    if "minutes" in parts:
        found.append(_minutes(given.seconds or MINUTES_SECONDS))
    if "hunt" in parts:
        found.append(hunt(given.seeds))
    return 0 if all(found) else 1


def _days(seconds: float) -> bool:
    print(
        f"Simulated days for {seconds:.0f} s, {TASKS_A_DAY:,} tasks a day, with everyday faults:", flush=True
    )
    index._REMEMBERED = REMEMBERED
    days = Days(TASKS_A_DAY)
    samples = list(days.play(seconds, REMEMBERED))
    ledger = days.ledger
    print(
        f"  {ledger.days:.0f} days: {ledger.launched:,} tasks launched, {ledger.ended:,} ended, "
        f"{ledger.revoked:,} revoked, {ledger.ended_twice} ended twice, {ledger.held} held at the end"
    )
    return _table(samples) and ledger.settled


def _minutes(seconds: float) -> bool:
    plan = Plan(seconds=seconds, remembered=REMEMBERED, warm=min(90.0, seconds / 3))
    print(f"Real time for {seconds:.0f} s over HTTP, {plan.rate} launches a second:", flush=True)
    outcome = soak(plan)
    ledger = outcome.ledger
    print(
        f"  {ledger['queued']:,} tasks queued, {ledger['success']:,} succeeded, {ledger['failed']} failed, "
        f"{ledger['running']} slots held at the end"
    )
    return _table(outcome.samples) and outcome.settled


def _table(samples: Sequence[Sample]) -> bool:
    print(f"  {len(samples)} samples, medians of the first and the last quarter:\n{HEADER}")
    try:
        found = growths(samples)
    except ValueError as error:
        print(f"  {error}")
        return False
    for each in found:
        print(each.line(), flush=True)
    return all(each.flat for each in found)


if __name__ == "__main__":
    sys.exit(main())
