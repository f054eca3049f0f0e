"""``airflow fargate doctor``: is everything there that a task needs? One line each: ok, or what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_fargate.cli.checks import CHECKS
from airflow_fargate.cli.findings import Finding, failed, is_denied, ok, unknown
from airflow_fargate.cli.printing import show
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from airflow_fargate.cli.session import Session


_WORDS = {True: "ok", False: "FAIL", None: "?"}
_CODES = {True: "ok", False: "fail", None: "unknown"}


def main(args: argparse.Namespace) -> int:
    """Print a line per check; return 1 when something is to be done."""
    session = open_session(args)
    findings = [ok("configuration", "[fargate] is complete and well-formed.")]
    for check in CHECKS:
        findings += _guarded(check, session)
    if args.output == "table":
        # Sentences do not fit into a table's cells.
        for each in findings:
            sys.stdout.write(f"{_WORDS[each.ok]:4}  {each.about:16} {each.sentence}\n")
    else:
        notices = [
            {"result": _CODES[each.ok], "check": each.about, "says": each.sentence} for each in findings
        ]
        show(args.output, notices, notices)
    failed = sum(each.ok is False for each in findings)
    unsure = sum(each.ok is None for each in findings)
    also = f" {unsure} could not be checked or ask for a look (?)." if unsure else ""
    sentence = f"{failed} of {len(findings)} to be done." if failed else "Nothing to be done."
    (sys.stdout if args.output == "table" else sys.stderr).write(f"{sentence}{also}\n")
    return 1 if failed else 0


def _guarded(check: Callable[[Session], Iterator[Finding]], session: Session) -> list[Finding]:
    about = check.__name__.replace("_", " ")
    try:
        return list(check(session))
    except Exception as error:  # noqa: BLE001  a check that breaks is a finding, and the others go on
        if is_denied(error):
            return [unknown(about, f"Not allowed to look: {error}")]
        return [failed(about, f"{type(error).__name__}: {error}")]
