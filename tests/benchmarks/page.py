"""docs/benchmarks.md as text. Pure: figures in, Markdown out."""

from __future__ import annotations

from typing import Any

from benchmarks.cloud_process import BUS_SECONDS, JITTER, LATENCY
from benchmarks.stage import AIRFLOW
from benchmarks.targets import table

Figures = dict[str, Any]


_INTRODUCTION = """# Benchmarks

Written by `make bench`{quick}: ours (FargateExecutor) and the peer (AwsEcsExecutor of the amazon provider)
through the same scenarios in the same run. Read the ratios rather than the times: they are of one machine.

Machine: {cores} cores, {system}, Python {python}. Airflow {apache-airflow}, amazon provider
{apache-airflow-providers-amazon}, airflow-fargate {airflow-fargate}, boto3 {boto3}.

## How it is done

- AWS is the simulated engine of `tests/local_cloud`, a process of its own, spoken to by boto3 over HTTP,
  with AWS's token buckets (`tests/local_cloud/faults`) and these latencies, each drawn from {least} to
  {most} of itself: {latency}.
  Events take {bus} ms from ECS to SQS. A container takes 5 s to start, and 2 s from its exit to STOPPED.
  Nothing here was measured on live AWS.
- Both executors are driven by Airflow's own SchedulerJobRunner, in real time and in a process of its own,
  on PostgreSQL (fsync off). Nothing of Airflow is replaced: its methods are wrapped to note times. Each
  drive has a database of its own, with DAG runs of a hundred independent tasks. Tasks become due by one
  UPDATE, as the triggerer does it; a simulated container sets its task instance running and success by SQL,
  as a worker's calls would through the API server. Workers' heartbeats are left out, and so are DAG
  processor, triggerer and API server.
- Airflow's settings that are not its defaults: {settings}; 1,000,000 pool slots, and 100,000 for the DAG's
  max_active_tasks and max_active_runs. With the defaults (parallelism 32, 128 pool slots, max_active_tasks
  16) no burst of this size is queued at once.
- The peer has its defaults. Ours has an event queue, and S3 payloads unless it says inline; its rates are set
  to the raised quotas where they are raised.
- Exit means the container's exit; event means that Airflow has committed what it did about it.
- CPU of an executor is that of its heartbeats and of all its threads, without the scheduler's loop around it.
- A killed scheduler's last heartbeat is made an hour old, so that its successor does not wait 30 s to adopt.
"""


def page(document: dict[str, Any]) -> str:
    """Return the page."""
    introduction = _INTRODUCTION.format(
        quick=", the quick version" if document["quick"] else "",
        least=f"{1 - JITTER:g}",
        most=f"{1 + JITTER:g}",
        latency=", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in LATENCY.items()),
        settings=", ".join(f"{name.split('__')[-1].lower()} = {value}" for name, value in AIRFLOW.items()),
        bus=" to ".join(f"{1000 * seconds:.0f}" for seconds in BUS_SECONDS),
        **document["machine"],
    )
    parts = [introduction]
    if note := document.get("note"):
        parts += [note, ""]
    parts += ["## What was promised", "", *table(document["scenarios"]), ""]
    for name, build in SECTIONS.items():
        if name in document["scenarios"]:
            parts += [*build(document["scenarios"][name]["cases"]), ""]
    return "\n".join(parts).rstrip() + "\n"


_BOUND = """Fargate lets 20 RunTask calls through at once and 20 a second after that, and launches 100 tasks
at once and 20 a second after that: n launches take at least max((n - 20) / 20, (n - 100) / 20) seconds, 49 s
for a thousand. With quotas raised ten-fold it is (n - 200) / 200, 4 s."""


def _burst(cases: Figures) -> list[str]:
    rows = [
        ("first queued to the last launch", "seconds_to_last", "{:.1f} s"),
        ("... times the bound", "times_the_bound", "{:.2f}"),
        ("... times the larger of bound and scheduler alone", "times_the_larger", "{:.2f}"),
        ("handed over", "handed_over", "{}"),
        ("launched", "launched", "{}"),
        ("RunTask calls throttled", "throttled_share", "{:.1%}"),
        ("heartbeat() p50", "heartbeat_p50_ms", "{:,.1f} ms"),
        ("heartbeat() p99", "heartbeat_p99_ms", "{:,.1f} ms"),
        ("heartbeat() longest", "heartbeat_max_ms", "{:,.1f} ms"),
        ("... which did", "heartbeat_longest_did", "{}"),
        ("heartbeats' share of the loop's time", "heartbeat_share", "{:.2%}"),
        ("turns of the loop", "loops", "{}"),
        ("a turn without its sleep, p50", "loop_p50_ms", "{:,.0f} ms"),
        ("CPU per launch", "cpu_ms_per_launch", "{:.2f} ms"),
        ("... the scheduler's own included", "process_cpu_ms_per_launch", "{:.2f} ms"),
        ("CPU of its calls by boto3 alone", "bare_calls_ms", "{:.2f} ms"),
        ("... CPU per launch, times that", "times_the_bare_calls", "{:.2f}"),
        ("simulated cloud's CPU (1 = a core)", "cloud_cpu_share", "{:.2f}"),
    ]
    lines = [
        "## A thousand tasks at once",
        "",
        _BOUND,
        "",
        "![Launches](benchmarks/launches.svg)",
        "",
        "![Launches, raised quotas](benchmarks/launches_raised.svg)",
        "",
        "![Heartbeats](benchmarks/heartbeats.svg)",
        "",
    ]
    return [*lines, *_tables(cases, rows)]


def _counted(title: str, text: str, *more: tuple[str, str, str]) -> Any:
    rows = [
        *more,
        ("tasks", "tasks", "{}"),
        ("succeeded", "succeeded", "{}"),
        ("second containers", "duplicates", "{}"),
        ("lost", "lost", "{}"),
        ("wrongly failed", "wrongly_failed", "{}"),
        ("seconds until all had ended", "seconds", "{:.0f}"),
    ]
    return lambda cases: [f"## {title}", "", text, "", *_tables(cases, rows)]


_LATENCY = [
    ("exit to event, p50", "exit_to_event_p50_s", "{:.2f} s"),
    ("exit to event, p99", "exit_to_event_p99_s", "{:.2f} s"),
    ("exit to event, longest", "exit_to_event_max_s", "{:.2f} s"),
]
_HEARTBEATS = [
    ("heartbeat() p99", "heartbeat_p99_ms", "{:,.1f} ms"),
    ("heartbeat() longest", "heartbeat_max_ms", "{:,.1f} ms"),
]


def _measured(title: str, text: str, *rows: tuple[str, str, str]) -> Any:
    return lambda cases: [f"## {title}", "", text, "", *_tables(cases, list(rows))]


SECTIONS = {
    "burst": _burst,
    "ends": _measured(
        "A container's exit",
        "Ten tasks a second, 5 to 15 s long. Killed from outside: exit code 137, and the worker says "
        "nothing, so that Airflow learns of the end from the executor alone; it fails the task instance, or "
        "has it up for retry. Where tasks are short or slots are few, set `[scheduler] "
        "scheduler_idle_sleep_time = 0.2` (1 by default): the loop then turns up to five times a second, "
        "each turn with its queries.",
        ("tasks", "tasks", "{}"),
        ("success", "success", "{}"),
        ("failed", "failed", "{}"),
        ("up for retry", "up_for_retry", "{}"),
        ("exit to committed, p50", "exit_to_event_p50_s", "{:.2f} s"),
        ("exit to committed, p99", "exit_to_event_p99_s", "{:.2f} s"),
        ("exit to free slot, p50", "exit_to_slot_p50_s", "{:.2f} s"),
        ("exit to free slot, p99", "exit_to_slot_p99_s", "{:.2f} s"),
        ("heartbeat() p99", "heartbeat_p99_ms", "{:,.1f} ms"),
        ("heartbeat() longest", "heartbeat_max_ms", "{:,.1f} ms"),
        ("heartbeats' share of the loop's time", "heartbeat_share", "{:.2%}"),
    ),
    "faults": _counted(
        "Faults",
        "5 % server errors (half of them after the work was done), 2 % lost answers (half of them "
        "after 8 s), "
        "3 % throttling (a third of it hidden in InvalidParameterException), 3 % capacity refusals, at the "
        "default limits; sums over the seeds.",
        ("seeds", "seeds", "{}"),
        ("faults injected", "injected", "{}"),
    ),
    "gap": _counted(
        "No capacity",
        "Every launch is refused for want of capacity; in real time.",
    ),
    "killed": _counted(
        "A scheduler killed half-way",
        "SIGKILL when half of the containers are there; a second scheduler adopts, and Airflow queues again "
        "what is not adopted.",
        ("containers before the kill", "launched_before", "{}"),
        ("task instances not adopted", "not_adopted", "{}"),
    ),
    "shared_killed": _counted(
        "Two schedulers, one killed",
        "SIGKILL of one half-way through the launches of both; a third adopts its tasks beside the survivor.",
        ("containers before the kill", "launched_before", "{}"),
        ("task instances not adopted", "not_adopted", "{}"),
    ),
    "lag": _counted(
        "DescribeTasks lags behind",
        "For 20 s DescribeTasks does not know a task that RunTask has answered with.",
    ),
    "steady": _measured(
        "Running tasks",
        "Tasks that run and do nothing else, when they have been adopted and described once and are "
        "due again (ours: after one minute, after nearly seven at 10,000). Bytes are those of all that the "
        "executor keeps of a task.\n\n![Calls](benchmarks/calls.svg)",
        ("heartbeat() p50", "heartbeat_p50_ms", "{:,.2f} ms"),
        ("heartbeat() p99", "heartbeat_p99_ms", "{:,.2f} ms"),
        ("heartbeat() longest", "heartbeat_max_ms", "{:,.2f} ms"),
        ("CPU of the process", "cpu_share", "{:.2%}"),
        ("ECS calls a minute", "ecs_calls_per_minute", "{:.1f}"),
        ("... in the busiest minute", "ecs_calls_in_busiest_minute", "{}"),
        ("SQS calls a minute", "sqs_calls_per_minute", "{:.1f}"),
        ("bytes per task", "bytes_per_task", "{:,.0f}"),
        ("seconds measured", "window_s", "{:.0f}"),
    ),
    "churn": _measured(
        "Ten tasks a second",
        "Each runs 5 to 15 s, others run on beside them. The peer launches one after another and "
        "falls behind: "
        "its figures are of what ended within the time. Calls are all that the executor made: ECS, SQS, S3.",
        ("tasks", "tasks", "{}"),
        ("ended within the time", "ended", "{}"),
        *_LATENCY,
        ("AWS calls per task", "calls_per_task", "{:.2f}"),
        *_HEARTBEATS,
    ),
    "small": _measured(
        "A small deployment",
        "Forty tasks at once, each 10 to 30 s long.",
        ("seconds until all had ended", "seconds", "{:.1f}"),
        *_LATENCY,
        ("AWS calls per task", "calls_per_task", "{:.2f}"),
        *_HEARTBEATS,
    ),
    "adoption": _measured(
        "Adoption",
        "In Airflow's own adoption loop, from PostgreSQL, under its row locks. Of some tasks the database "
        "has only the launch id, because their scheduler ended before it could record the ARN.",
        ("offered", "offered", "{}"),
        ("not adopted", "not_adopted", "{}"),
        ("slots counted", "slots", "{}"),
        ("try_adopt_task_instances, seconds", "adoption_s", "{:.3f}"),
        ("... SELECTs", "adoption_selects", "{}"),
        ("adopt_or_reset_orphaned_tasks, seconds", "orphans_s", "{:.3f}"),
        ("... SELECTs", "orphans_selects", "{}"),
    ),
    "events": _measured(
        "Lost, doubled and late events",
        "Ten per cent of each. A lost event is found by the reconciler, after 60 s of silence by "
        "default. The "
        "peer uses no events.",
        ("tasks", "tasks", "{}"),
        ("succeeded", "succeeded", "{}"),
        ("second containers", "duplicates", "{}"),
        ("lost", "lost", "{}"),
        ("wrongly failed", "wrongly_failed", "{}"),
        *_LATENCY,
    ),
    "shared": _measured(
        "Two schedulers",
        "Two of ours on one database, one queue and under one quota. They do not talk to each "
        "other: a throttled one halves its rate and climbs back.",
        ("seconds to the last launch", "seconds_to_last", "{:.1f}"),
        ("RunTask calls throttled, of both", "throttled_share", "{:.1%}"),
        ("tasks", "tasks", "{}"),
        ("succeeded", "succeeded", "{}"),
        ("second containers", "duplicates", "{}"),
        ("lost", "lost", "{}"),
        ("wrongly failed", "wrongly_failed", "{}"),
        *_LATENCY,
        ("an event from the queue to its owner, p50", "event_lag_p50_s", "{:.2f} s"),
        ("... p99", "event_lag_p99_s", "{:.2f} s"),
    ),
    "scale": _measured(
        "Four schedulers and 100,000 running tasks",
        "By simulation (`python -m benchmarks --only scale`): without Airflow, on a simulated clock, the "
        "parts of four executors by turns in one thread. CPU has the simulated AWS in it. Memory is that of "
        "what an executor keeps of its tasks. Figures are of each scheduler "
        "where they are not counts of tasks.",
        ("running, of all", "running", "{}"),
        ("launched, of all", "launched", "{}"),
        ("lost", "lost", "{}"),
        ("reported twice", "told_twice", "{}"),
        ("wrongly failed", "wrongly_failed", "{}"),
        ("memory", "megabytes", "{:.1f} MB"),
        ("CPU (1 = a core)", "cpu_share", "{:.2f}"),
        ("RunTask calls a minute", "RunTask_per_minute", "{:,.0f}"),
        ("DescribeTasks calls a minute", "DescribeTasks_per_minute", "{:,.0f}"),
    ),
    "simulator": _measured(
        "The simulated cloud by itself",
        "What it answers when it is asked as fast as it can be, by 200 connections at once. RunTask has its "
        "containers' lives in it, with their events. The scenarios above ask it for at most some 300 calls a "
        "second; what it takes of a core for that stands in the tables of a thousand tasks at once.",
        ("requests", "requests", "{}"),
        ("requests a second of its CPU", "requests_a_core_second", "{:,.0f}"),
        ("requests a second", "requests_a_second", "{:,.0f}"),
    ),
}


def _tables(cases: Figures, rows: list[tuple[str, str, str]]) -> list[str]:
    lines: list[str] = []
    for label, case in cases.items():
        executors = [name for name in ("ours", "peer", "floor") if name in case]
        both = len(executors) > 1
        lines += [
            f"**{label[0].upper()}{label[1:]}**",
            "",
            "| |" + "".join(f" {name} |" for name in executors) + (" ours / peer |" if both else ""),
            "|---|" + "---:|" * (len(executors) + both),
        ]
        for title, key, pattern in rows:
            values = [case[name].get(key) for name in executors]
            if all(value is None for value in values):
                continue
            cells = [pattern.format(value) if value is not None else "" for value in values]
            lines.append(f"| {title} | " + " | ".join([*cells, *([_ratio(*values)] if both else [])]) + " |")
        lines.append("")
    return lines


def _ratio(ours: Any, peer: Any) -> str:
    if isinstance(ours, str) or not ours or not peer or ours == peer:
        return ""
    ratio = ours / peer
    return f"{ratio:.2f}" if ratio >= 0.01 else f"1 / {1 / ratio:,.0f}"
