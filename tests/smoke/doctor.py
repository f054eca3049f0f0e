"""Runs ``airflow fargate doctor`` on the deployment, and with an Airflow that does not match the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.airflow_releases import IN_DEV
from smoke.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from smoke.airflow_services import AirflowHome
    from smoke.processes import Programs

NAME = "doctor passes all checks, and detects an Airflow release that is not the image's"


def ask_doctor(programs: Programs, home: AirflowHome, cloud: Mapping[str, str], tools: Path) -> Finding:
    """Run doctor with the scheduler's permissions; ``tools`` is ``.venv``, which can have another Airflow."""
    release = home.release
    lines = _run(programs, home, cloud, home.venv)
    wrong = list(
        judge(lines, f"ok    Airflow version  The image and the scheduler both have {release.label}.")
    )
    if not release.is_in_dev:
        other = _run(programs, home, cloud, tools)
        wanted = f"The image has {release.label}, the scheduler {IN_DEV}: build the image again"
        if not any(line.startswith("FAIL  Airflow version") and wanted in line for line in other):
            wrong.append(f"with Airflow {IN_DEV}, doctor does not print {wanted!r}")
    return Finding(NAME, tuple(wrong))


def judge(lines: list[str], wanted: str) -> Iterator[str]:
    """Yield doctor's unexpected lines, and the line that is missing."""
    for line in lines:
        if line.startswith("FAIL"):
            yield f"doctor prints {line!r}"
    if wanted not in lines:
        yield f"doctor does not print {wanted!r}, but {lines}"


def _run(programs: Programs, home: AirflowHome, cloud: Mapping[str, str], venv: Path) -> list[str]:
    log = f"doctor-{venv.name.lstrip('.')}"
    command = [str(venv / "bin" / "airflow"), "fargate", "doctor"]
    env = {**home.environment(cloud), "AWS_ACCESS_KEY_ID": "scheduler"}
    programs.run(command, log, env=env, cwd=home.folder, timeout=180, ok=(0, 1))
    return (programs.logs / f"{log}.log").read_text(encoding="utf-8", errors="replace").splitlines()
