"""The examples of docs/costs.md, from the prices that ``airflow fargate cost`` uses."""

from __future__ import annotations

from airflow_fargate.aws.prices import MINIMUM_SECONDS, SPOT_SHARE, X86

BEGIN, END = "<!-- begin: docs/generators/costs.py -->", "<!-- end -->"
DAYS = 30
_EXAMPLES = (
    # Tasks a day, minutes each, vCPU, GB of memory.
    (100, 5.0, 0.5, 2),
    (1000, 0.5, 0.25, 1),
    (1000, 5.0, 0.5, 2),
    (1000, 5.0, 2, 8),
    (10000, 5.0, 0.5, 2),
)


def monthly(tasks: int, minutes: float, vcpu: float, memory: float) -> float:
    """Return the USD of 30 days, On-Demand on x86.

    Args:
        tasks: a day.
        minutes: each, image pull included.
        vcpu: vCPUs of each.
        memory: GB of each.
    """
    hours = tasks * DAYS * max(minutes * 60, MINIMUM_SECONDS) / 3600
    return hours * (vcpu * X86.vcpu_hour + memory * X86.gb_hour)


def table() -> str:
    """Return the examples as a Markdown table."""
    rows = ["| tasks a day | minutes each | size | On-Demand, USD | Spot, USD |", "|---:|---:|---|---:|---:|"]
    for tasks, minutes, vcpu, memory in _EXAMPLES:
        usd = monthly(tasks, minutes, vcpu, memory)
        size = f"{vcpu:g} vCPU, {memory} GB"
        rows.append(f"| {tasks:,} | {minutes:g} | {size} | {usd:,.2f} | {usd * SPOT_SHARE:,.2f} |")
    return "\n".join(rows)


def renewed(page: str) -> str:
    """Return the page with its examples made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"
