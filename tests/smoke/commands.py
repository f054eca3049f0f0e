"""The commands of ``python -m smoke``; `USAGE` lists them."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from time import monotonic
from typing import TYPE_CHECKING

from smoke import report, standbys
from smoke.base_image import ensure_base
from smoke.cloud_alone import run_cloud
from smoke.deployment import Deployment
from smoke.engine import check_engine_can_be_had, engine_can_be_had, ensure_engine
from smoke.failure import SmokeError, StoppedError
from smoke.journal import Journal
from smoke.own_airflow import OwnAirflow
from smoke.preflight import check_ports, preflight
from smoke.progress import Progress
from smoke.session import Session, keep, machine_lock, open_session, print_failure, take_down
from smoke.settings import read_settings

if TYPE_CHECKING:
    from smoke.settings import Settings
    from smoke.way import Way

USAGE = "usage: python -m smoke up | down | cloud | engine [--if-possible] [--base] -- COMMAND"
OPTIONS = frozenset({"--if-possible", "--base"})


def up(settings: Settings) -> int:
    """Run the whole loop; return 0 if every check passes and nothing is left behind."""
    terraform_program = preflight(settings, os.environ)
    with machine_lock(settings):
        session = open_session(settings, sys.stdout)
        loop: Way = (OwnAirflow if settings.own_airflow else Deployment)(session, terraform_program)
        passed = False
        try:
            passed = _report(loop)
        except SmokeError as error:
            if not session.interrupted:
                print_failure(error)
        except Exception:  # noqa: BLE001  # a bug in the smoke: show it, and clean up
            traceback.print_exc()
        return _end(session, loop, passed=passed)


def _report(loop: Way) -> bool:
    """Run the loop and print its findings."""
    findings = loop.run()
    line = loop.session.progress.line
    line()
    if loop.evidence is not None:
        for row in report.task_table(loop.evidence):
            line(row)
        line()
        line("queued -> first line, for tasks that print one at once:")
        for row in standbys.start_lines(loop.evidence):
            line(row)
    line()
    for row in report.findings_lines(findings):
        line(row)
    line()
    return not any(finding.wrong for finding in findings)


def _end(session: Session, loop: Way, *, passed: bool) -> int:
    """Take everything down, or leave it running if KEEP is set, and return the exit code."""
    progress = session.progress
    if session.settings.keep and not session.interrupted and loop.machine and loop.airflow_url:
        keep(session)
        progress.line(
            f"smoke {'passed' if passed else 'FAILED'} in {progress.elapsed:.0f} s, and everything is still "
            "running:"
        )
        progress.line(f"  Airflow      {loop.airflow_url}  ({loop.login})")
        progress.line(f"  local cloud  {loop.machine.cloud.value.url}  (AWS_ENDPOINT_URL)")
        progress.line(f"  containers   DOCKER_HOST={loop.machine.engine.value.host}")
        cache = os.environ.get("XDG_CACHE_HOME")
        # The journal of what is running is in the cache folder, so `make smoke-down` needs the same folder.
        set_first = f"XDG_CACHE_HOME={cache} " if cache else ""
        progress.line(f"Take it down with `{set_first}make smoke-down`.")
        return 0 if passed else 1
    left = take_down(session.journal, progress)
    for sentence in left:
        progress.line(f"error: {sentence}")
    outcome = "interrupted" if session.interrupted else "passed" if passed and not left else "FAILED"
    behind = "nothing left behind" if not left else f"{len(left)} things left behind"
    progress.line(f"smoke {outcome} in {progress.elapsed:.0f} s, {behind}; logs in {session.settings.logs}")
    return 130 if session.interrupted else 0 if passed and not left else 1


def down(settings: Settings) -> int:
    """Take down what is left of a run with KEEP=1 or of a killed run."""
    with machine_lock(settings):
        journal = Journal(settings.cache / "up.jsonl")
        progress = Progress(sys.stdout, monotonic, terminal=sys.stdout.isatty())
        if not len(journal):
            progress.line("No smoke is running.")
            return 0
        left = take_down(journal, progress)
        for sentence in left:
            progress.line(f"error: {sentence}")
        return 1 if left else 0


def with_engine(settings: Settings, command: list[str], *, base: bool = False) -> int:
    """Run a command with DOCKER_HOST set to a running engine, and return its exit code.

    With ``base``, BASE_IMAGE is set to a base that the engine has.
    """
    check_engine_can_be_had(os.environ)
    with machine_lock(settings):
        session = open_session(settings, sys.stdout)
        code = 1
        try:
            engine = ensure_engine(session.programs, settings)
            environment = dict(engine.environment)
            if base:
                line = session.progress.line
                environment["BASE_IMAGE"] = ensure_base(session.programs, settings, engine, line)
            code = subprocess.run(command, env=environment, check=False).returncode
        except SmokeError as error:
            print_failure(error)
        return _down_again(session, code)


def cloud(settings: Settings) -> int:
    """Run the local cloud with an engine and a registry until Ctrl-C."""
    check_ports(settings)
    check_engine_can_be_had(os.environ)
    with machine_lock(settings):
        session = open_session(settings, sys.stdout)
        code = 0
        try:
            run_cloud(session)
        except StoppedError:
            pass
        except SmokeError as error:
            print_failure(error)
            code = 1
        return _down_again(session, code)


def _down_again(session: Session, code: int) -> int:
    """Take everything down; return the exit code, or 1 if something is left."""
    left = take_down(session.journal, session.progress)
    for sentence in left:
        session.progress.line(f"error: {sentence}")
    return code or (1 if left else 0)


def main(arguments: list[str]) -> int:
    """Run a command; an expected failure prints one sentence and returns 1."""
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    given = OPTIONS.intersection(ours)
    words = [word for word in ours if word not in OPTIONS] + arguments[len(ours) :]
    try:
        settings = read_settings(os.environ)
        if "--if-possible" in given and not engine_can_be_had(os.environ):
            print(f"Skipped, because there is no container engine: {' '.join(words)}")
            return 0
        simple = {"up": up, "down": down, "cloud": cloud}
        if len(words) == 1 and words[0] in simple:
            return simple[words[0]](settings)
        if words[:2] == ["engine", "--"] and len(words) > 2:
            return with_engine(settings, words[2:], base="--base" in given)
    except SmokeError as error:
        print_failure(error)
        return 1
    print(USAGE, file=sys.stderr)
    return 2
