"""``airflow fargate doctor``: check everything that a task needs, one line per check.

Each cause is reported once. A check that fails for the same cause as an earlier one is only named in the
earlier line. Without credentials or a region no call to AWS works, so the checks that need AWS are skipped.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_fargate.aws.failures import cause_of_error
from airflow_fargate.cli.checks import CHECKS, OPTIONS
from airflow_fargate.cli.findings import Finding, explain, failed, inconclusive, is_denied, passed
from airflow_fargate.cli.printing import show
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from airflow_fargate.cli.session import Session

    Check = Callable[[Session], Iterator[Finding]]

_WORDS = {True: "ok", False: "FAIL", None: "?"}
_CODES = {True: "ok", False: "fail", None: "unknown"}
_NOTHING_WORKS = {"credentials", "no_region", "wrong_region", "wrong_profile"}
"""Causes with which every call to AWS fails."""


def main(args: argparse.Namespace) -> int:
    """Print a line per check; return 1 if a check failed, else 0."""
    session = open_session(args)
    findings = [passed("configuration", "[fargate] is complete and well-formed."), *examine(session)]
    if args.output == "table":
        # Messages do not fit into the cells of a table.
        for each in findings:
            sys.stdout.write(f"{_WORDS[each.ok]:4}  {each.about:16} {each.message}\n")
    else:
        rows = [
            {"result": _CODES[each.ok], "check": each.about, "message": each.message} for each in findings
        ]
        show(args.output, rows, rows)
    failures = sum(each.ok is False for each in findings)
    unsure = sum(each.ok is None for each in findings)
    also = f" {unsure} could not be checked or deserve a look (?)." if unsure else ""
    result = f"{failures} of {len(findings)} checks failed." if failures else "All checks passed."
    (sys.stdout if args.output == "table" else sys.stderr).write(f"{result}{also}\n")
    return 1 if failures else 0


def examine(session: Session) -> list[Finding]:
    """Run the checks; return their findings, with one failure per cause."""
    findings: list[Finding] = []
    by_cause: dict[str, int] = {}
    also: dict[int, list[str]] = {}
    skipped: list[str] = []
    for check in CHECKS:
        about = check.__name__.replace("_", " ")
        if _NOTHING_WORKS & by_cause.keys():
            skipped.append(about)
            continue
        try:
            for each in check(session):
                findings.append(each)  # noqa: PERF402  a check may yield, then raise
        except Exception as error:  # noqa: BLE001  an error is a finding, and the other checks continue
            if is_denied(error):
                findings.append(inconclusive(about, f"No permission to check: {error}"))
                continue
            cause = cause_of_error(error)
            key = cause.id if cause else str(error)
            if key in by_cause:
                also.setdefault(by_cause[key], []).append(about)
            else:
                by_cause[key] = len(findings)
                findings.append(failed(about, f"{_place(check, session, key)}{explain(error)}"))
    for number, names in also.items():
        first = findings[number]
        findings[number] = replace(first, message=f"{first.message} Also: {', '.join(names)}.")
    if skipped:
        findings.append(inconclusive("other checks", f"Not checked without AWS: {', '.join(skipped)}."))
    return findings


def _place(check: Check, session: Session, cause: str) -> str:
    """Return the option and value that a check looked at, if the cause may lie there."""
    option = OPTIONS.get(check)
    if option is None or cause in {
        *_NOTHING_WORKS,
        "not_connected",
        "no_answer",
        "throttled",
        "server_error",
    }:
        return ""
    return f"[fargate] {option} = {getattr(session.config, option)!r}: "
