"""``python -m example_dags [--quick] [--only DAG,...] [--part ...] [--seconds N]``: ``make example-dags``.

The states are kept in the cache folder, so the two executors, or a few DAGs at a time, can run separately.
The page contains all states of the same releases. With ``--seconds``, each call continues where the last
one stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from example_dags.choice import QUICK
from example_dags.page import page, same
from example_dags.stacks import Examples, versions
from smoke.failure import SmokeError
from smoke.preflight import preflight
from smoke.session import machine_lock, open_session, print_failure, take_down
from smoke.settings import ROOT, read_settings

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "example_dags.md"


def main(arguments: list[str]) -> int:
    """Run the DAGs; return 0 if every DAG ended the same with both executors."""
    parser = argparse.ArgumentParser(prog="example_dags", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three DAGs, no page")
    parser.add_argument("--only", default="", help="these DAGs, comma-separated")
    parser.add_argument("--part", choices=("local", "fargate"), help="one executor only")
    parser.add_argument(
        "--seconds", type=float, help="skip DAGs with known states, and start none after this time"
    )
    given = parser.parse_args(arguments)
    settings = read_settings(os.environ)
    settings = replace(settings, state=settings.cache / "example-dags")
    kept = settings.cache / "example-dags.json"
    terraform = preflight(settings, os.environ)
    only = [each for each in given.only.split(",") if each] or (list(QUICK) if given.quick else [])
    found = {} if given.quick else read_kept(kept, versions())
    with machine_lock(settings):
        session = open_session(settings, sys.stdout)
        code = 0
        try:
            for name in [given.part] if given.part else ["local", "fargate"]:
                known = () if given.seconds is None else set(found.get(name, ()))
                examples = Examples(session, only, known, given.seconds or math.inf)
                try:
                    if name == "local":
                        examples.by_local_executor()
                    else:
                        examples.by_fargate_executor(terraform)
                finally:
                    found[name] = {**found.get(name, {}), **examples.ended}
                    found["left_out"] = examples.left_out or found.get("left_out", {})
                    if not given.quick:
                        kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
        except SmokeError as error:
            print_failure(error)
            code = 1
        finally:
            left = take_down(session.journal, session.progress)
        for sentence in left:
            session.progress.line(f"error: {sentence}")
    differ = _report(found, None if given.quick else PAGE)
    return int(code or bool(left) or differ)


def read_kept(place: Path, made_with: dict[str, str]) -> dict[str, Any]:
    """Return the kept states if they are of the same releases, otherwise none."""
    found = json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    return found if found.get("made_with") == made_with else {"made_with": made_with}


def _report(found: dict[str, Any], place: Path | None) -> bool:
    """Print the differences, write the page, and return whether there is a difference."""
    local, fargate = found.get("local", {}), found.get("fargate", {})
    both = set(local) & set(fargate)
    wrong = sorted(name for name in both if not same(fargate[name], local[name]))
    for name in wrong:
        print(f"{name}: LocalExecutor {local[name]}, FargateExecutor {fargate[name]}")
    if both and place is not None:
        left_out = {name: str(reason) for name, reason in found["left_out"].items()}
        made_with = {**versions(), "Python": platform.python_version()}
        place.write_text(page(local, fargate, left_out, made_with, _where()), encoding="utf-8")
    print(f"{len(both)} DAGs were compared, {len(wrong)} ended differently.")
    return bool(wrong)


def _where() -> str:
    """Return the machine and the date."""
    day = datetime.now(tz=timezone.utc).date()
    return f"{os.cpu_count()} cores under {platform.system()} {platform.machine()}, {day}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
