"""Builds the page: how the tasks of every DAG ended with each executor."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from example_dags.choice import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from example_dags.runs import Ended

HEAD = """# Airflow's own example DAGs

`make example-dags` runs each example DAG of Airflow and of the standard provider once with LocalExecutor
and once with FargateExecutor, and compares the final states of all task instances. FargateExecutor runs on
the local cloud as in `make smoke`, with Terraform, a registry, the worker image and a container per task.
This page is its output.
"""


def same(ours: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    """Return whether the run and each of its tasks ended in the same state."""
    return dict(ours) == dict(theirs)


def counted(states: Mapping[str, str]) -> str:
    """Return the tasks' states as text, such as ``3 success, 1 skipped``."""
    found = Counter(state for task, state in states.items() if task)
    return ", ".join(f"{number} {state}" for state, number in found.most_common()) or "-"


def page(
    local: Ended, fargate: Ended, left_out: Mapping[str, str], made_with: Mapping[str, str], where: str
) -> str:
    """Return the page. It compares the DAGs that both executors have run."""
    both = sorted(set(local) & set(fargate))
    alike = [name for name in both if same(fargate[name], local[name])]
    tasks = sum(len(fargate[name]) - 1 for name in both)
    out = {name: reason for name, reason in left_out.items() if name not in both}
    later = [name for name, reason in out.items() if reason == NOT_YET]
    lines = [
        HEAD,
        f"{len(both)} DAGs with {tasks} task instances ran: {len(alike)} ended the same, "
        f"{len(both) - len(alike)} did not. {len(out) - len(later)} do not run here, {len(later)} have not "
        "run yet. " + ", ".join(f"{name} {release}" for name, release in made_with.items()) + f"; {where}.",
        "",
        "| DAG | tasks | LocalExecutor | FargateExecutor | same |",
        "|---|---:|---|---|---|",
    ]
    for name in both:
        verdict = "yes" if name in alike else f"**no**: {_difference(fargate[name], local[name])}"
        row = (f"`{name}`", len(fargate[name]) - 1, counted(local[name]), counted(fargate[name]), verdict)
        lines.append("| " + " | ".join(str(each) for each in row) + " |")
    lines += ["", "## Not run", "", "| DAG | Because it |", "|---|---|"]
    lines += [f"| `{name}` | {reason} |" for name, reason in sorted(out.items())]
    return "\n".join(lines) + "\n"


def _difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    names = sorted(task for task in {*ours, *theirs} if ours.get(task) != theirs.get(task))
    return "; ".join(
        f"{task or 'the run'} {theirs.get(task, 'missing')} / {ours.get(task, 'missing')}" for task in names
    )
