"""The table at the end: one line per try."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from smoke.checks import Finding
    from smoke.evidence import Container, Evidence
    from smoke.expectations import Key

HEADS = (
    "task",
    "state",
    "try",
    "container",
    "queued -> running",
    "run time",
    "exit code",
    "stop code",
    "log lines",
)

SHOWN = 5
"""Sentences per failed check; the following ones usually repeat them."""


def _seconds(start: datetime | None, end: datetime | None) -> str:
    # Airflow has the first start of a deferred task, and the last time it was queued.
    return "-" if start is None or end is None or end < start else f"{(end - start).total_seconds():.1f} s"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines, with columns of figures aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width)
            if HEADS[column] in {"try", "queued -> running", "run time", "exit code", "log lines"}
            else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def task_table(evidence: Evidence) -> list[str]:
    """Return the table of tries, with Airflow's view beside that of ECS."""
    containers: dict[Key, Container] = {container.key: container for container in evidence.containers}
    tasks = evidence.expected.tasks
    order = {(task.dag_id, task.task_id, task.map_index): place for place, task in enumerate(tasks)}
    rows: list[tuple[str, ...]] = [HEADS]
    dag = ""
    for one in sorted(evidence.tries, key=lambda one: (order.get(one.key[:3], len(order)), one.key)):
        dag_id, task_id, map_index, number = one.key
        if dag_id != dag:
            rows.append((dag_id, *[""] * (len(HEADS) - 1)))
            dag = dag_id
        container = containers.get(one.key)
        rows.append(
            (
                f"  {task_id}{f'[{map_index}]' if map_index >= 0 else ''}",
                one.state,
                str(number) if container else "-",
                "-" if container is None else "standby" if container.standby else "new",
                _seconds(one.queued, one.started) if container else "-",
                _seconds(one.started, one.ended) if container else "-",
                "-" if container is None or container.exit_code is None else str(container.exit_code),
                container.stop_code if container else "-",
                str(len(container.log.splitlines())) if container else "-",
            )
        )
    return table(rows)


def findings_lines(findings: Sequence[Finding]) -> list[str]:
    """Return the checks, each followed by what is wrong."""
    lines = []
    for finding in findings:
        lines.append(f"  {'ok  ' if not finding.wrong else 'FAIL'} {finding.name}")
        lines += [f"         {sentence}." for sentence in finding.wrong[:SHOWN]]
        if len(finding.wrong) > SHOWN:
            lines.append(f"         ... and {len(finding.wrong) - SHOWN} more like these.")
    return lines
