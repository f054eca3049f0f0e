"""``airflow fargate doctor`` on the deployment that runs, and with an Airflow that does not fit the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.airflow_releases import IN_DEV
from smoke.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from smoke.airflow_services import AirflowHome
    from smoke.processes import Programs

NAME = "the doctor finds nothing to be done, and tells an Airflow that is not the image's"


def ask_doctor(programs: Programs, home: AirflowHome, cloud: Mapping[str, str], tools: Path) -> Finding:
    """Ask as the scheduler, with its permissions; ``tools`` is ``.venv``, which may have another Airflow."""
    release = home.release
    told = _run(programs, home, cloud, home.venv)
    wrong = list(
        judge(told, f"ok    Airflow version  The image and the scheduler both have {release.label}.")
    )
    if not release.is_in_dev:
        other = _run(programs, home, cloud, tools)
        wanted = f"The image has {release.label}, the scheduler {IN_DEV}: build the image again"
        if not any(line.startswith("FAIL  Airflow version") and wanted in line for line in other):
            wrong.append(f"asked by Airflow {IN_DEV}, the doctor does not say that {wanted!r}")
    return Finding(NAME, tuple(wrong))


def judge(told: list[str], wanted: str) -> Iterator[str]:
    """Yield what of the doctor's lines ought not to be there, and the line that is missing."""
    for line in told:
        if line.startswith("FAIL"):
            yield f"the doctor says {line!r}"
    if wanted not in told:
        yield f"the doctor does not say {wanted!r}, but {told}"


def _run(programs: Programs, home: AirflowHome, cloud: Mapping[str, str], venv: Path) -> list[str]:
    log = f"doctor-{venv.name.lstrip('.')}"
    command = [str(venv / "bin" / "airflow"), "fargate", "doctor"]
    env = {**home.environment(cloud), "AWS_ACCESS_KEY_ID": "scheduler"}
    programs.run(command, log, env=env, cwd=home.folder, timeout=180, ok=(0, 1))
    return (programs.logs / f"{log}.log").read_text(encoding="utf-8", errors="replace").splitlines()
