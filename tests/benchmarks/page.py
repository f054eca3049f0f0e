"""Builds the text of docs/benchmarks.md. Pure: figures in, Markdown out."""

from __future__ import annotations

from typing import Any

from benchmarks.cloud_process import BUS_SECONDS, JITTER, LATENCY
from benchmarks.stage import AIRFLOW
from benchmarks.targets import table

Figures = dict[str, Any]


_INTRODUCTION = """# Benchmarks

`make bench` wrote this page{quick}. It compares our executor (FargateExecutor) with the peer
(AwsEcsExecutor of the amazon provider) in the same scenarios and the same run. All times are from one
machine, so compare the ratios.

Machine: {cores} cores, {system}, Python {python}. Airflow {apache-airflow}, amazon provider
{apache-airflow-providers-amazon}, airflow-fargate {airflow-fargate}, boto3 {boto3}.

## Method

- AWS is simulated by `tests/local_cloud` in a separate process. Executors call it with boto3 over HTTP. It
  has AWS's token buckets (`tests/local_cloud/faults`) and these latencies, each multiplied by a random
  factor from {least} to {most}: {latency}. Events take {bus} ms from ECS to SQS. A container takes 5 s to
  start, and 2 s from its exit to STOPPED. Nothing here was measured on live AWS.
- Airflow's own SchedulerJobRunner runs both executors, in real time, in a separate process, on PostgreSQL
  (fsync off). Nothing of Airflow is replaced: its methods are wrapped to take times. Each run has its own
  database with DAG runs of a hundred independent tasks. One UPDATE makes tasks due, as the triggerer does.
  A simulated container sets its task instance to running and success by SQL, as a worker does through the
  API server. There are no worker heartbeats, no DAG processor, no triggerer and no API server.
- Airflow's settings that differ from its defaults: {settings}; 1,000,000 pool slots, and 100,000 for the
  DAG's max_active_tasks and max_active_runs. With the defaults (parallelism 32, 128 pool slots,
  max_active_tasks 16), Airflow never queues a burst of this size.
- The peer has its defaults. Ours has an event queue, and S3 payloads unless a table says inline. Where quotas
  are raised, its rates are set to them.
- Exit is the container's exit. Event is the moment when Airflow has committed the task's end.
- The CPU of an executor is that of its heartbeats and of all its threads, without the scheduler's loop.
- A killed scheduler's last heartbeat is set to an hour ago, so that the new one does not wait 30 s to adopt.
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
    parts += ["## Targets", "", *table(document["scenarios"]), ""]
    for name, build in SECTIONS.items():
        if name in document["scenarios"]:
            parts += [*build(document["scenarios"][name]["cases"]), ""]
    return "\n".join(parts).rstrip() + "\n"


_BOUND = """Fargate accepts 20 RunTask calls at once and 20 a second after that. It launches 100 tasks at
once and 20 a second after that. So n launches take at least max((n - 20) / 20, (n - 100) / 20) seconds,
which is 49 s for a thousand. With ten times the quotas it is (n - 200) / 200, which is 4 s."""


def _burst(cases: Figures) -> list[str]:
    rows = [
        ("first task queued to last launch", "seconds_to_last", "{:.1f} s"),
        ("... times the bound", "times_the_bound", "{:.2f}"),
        ("... times the larger of the bound and the scheduler alone", "times_the_larger", "{:.2f}"),
        ("tasks handed over", "handed_over", "{}"),
        ("tasks launched", "launched", "{}"),
        ("RunTask calls throttled", "throttled_share", "{:.1%}"),
        ("heartbeat() p50", "heartbeat_p50_ms", "{:,.1f} ms"),
        ("heartbeat() p99", "heartbeat_p99_ms", "{:,.1f} ms"),
        ("heartbeat() longest", "heartbeat_max_ms", "{:,.1f} ms"),
        ("... in which", "heartbeat_longest_did", "{}"),
        ("heartbeats' share of the loop's time", "heartbeat_share", "{:.2%}"),
        ("loops of the scheduler", "loops", "{}"),
        ("a loop without its sleep, p50", "loop_p50_ms", "{:,.0f} ms"),
        ("CPU per launch", "cpu_ms_per_launch", "{:.2f} ms"),
        ("... with the scheduler's own", "process_cpu_ms_per_launch", "{:.2f} ms"),
        ("CPU of boto3's calls alone", "bare_calls_ms", "{:.2f} ms"),
        ("... CPU per launch, times that", "times_the_bare_calls", "{:.2f}"),
        ("CPU of the simulated AWS (1 = a core)", "cloud_cpu_share", "{:.2f}"),
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


_FIRST_LINE = """From queued to the task's first line, all rows in the same run at one task a second, with
`scheduler_idle_sleep_time` 0.2 (`python -m benchmarks --only standby`). Containers start in 18 to 90 s, drawn
at random. The time from "the payload is known" to the first line is set to 0.4 s for standbys and 4.1 s for
cold containers, more than `make start-times` measures at a quarter of a vCPU
([how soon a task begins](standby.md#how-soon-a-task-begins)).

The Celery worker is the reference: what Airflow, its database and this machine need without a container. It
is Airflow's own `airflow celery worker` with its defaults (16 processes), and Redis as the broker. Its tasks
really run: the time is that of the first Python line of the task's function, after the DAG file was parsed.
It has the whole machine instead of a quarter of a vCPU, and shares the cores with the scheduler. Its
execution API is the fake one of `make start-times`, which changes Airflow's rows by SQL, so no row includes
an API server. The first 32 tasks, in which the worker's processes import Airflow, are not counted."""


def _standby(cases: Figures) -> list[str]:
    lines = ["## Standby containers", "", _FIRST_LINE, "", *first_line_table(cases)]
    missing = {
        label: figures["missing"]
        for label, case in cases.items()
        for figures in case.values()
        if figures["missing"]
    }
    return [*lines, *(f"\nWithout a first line: {count} of {label}." for label, count in missing.items())]


def first_line_table(cases: Figures) -> list[str]:
    """Return the table of docs/standby.md: the percentiles from queued to the first line."""
    lines = ["| queued -> first line | tasks | p50 | p95 | p99 | longest |", "|---|---:|---:|---:|---:|---:|"]
    for label, case in cases.items():
        for figures in case.values():
            cells = [f"{figures[key]:.2f} s" for key in ("p50_s", "p95_s", "p99_s", "max_s")]
            lines.append(f"| {label} | {figures['tasks']} | {' | '.join(cells)} |")
    return lines


SECTIONS = {
    "burst": _burst,
    "standby": _standby,
    "refills": _measured(
        "A thousand tasks at once while standbys are refilled",
        "At the default limits, with S3 payloads and `scheduler_idle_sleep_time` 0.2 (`python -m benchmarks "
        "--only refills`). Tasks that find a standby are not launched; the bound is that of the others. "
        "Standbys are started only while no task waits to be launched. Containers start in 5 s and run on.",
        ("tasks that found a standby", "hits", "{}"),
        ("tasks launched", "launched", "{}"),
        ("first task queued to last launch", "seconds_to_last", "{:.1f} s"),
        ("... times the bound", "times_the_bound", "{:.2f}"),
        ("RunTask calls throttled", "throttled_share", "{:.1%}"),
        ("standbys started before the last launch", "refills_during", "{}"),
        ("... in the 20 s after it", "refills_after", "{}"),
        ("heartbeat() p50", "heartbeat_p50_ms", "{:,.1f} ms"),
        ("heartbeat() p99", "heartbeat_p99_ms", "{:,.1f} ms"),
        ("heartbeat() longest", "heartbeat_max_ms", "{:,.1f} ms"),
        ("heartbeats' share of the loop's time", "heartbeat_share", "{:.2%}"),
    ),
    "ends": _measured(
        "A container's exit",
        "Ten tasks a second, each 5 to 15 s long. A container that is killed from outside exits with code "
        "137, and its worker reports nothing. Airflow learns of the end from the executor alone, and fails "
        "the task instance or sets it up for retry. If tasks are short or slots are few, set `[scheduler] "
        "scheduler_idle_sleep_time = 0.2` (1 by default). The scheduler then loops up to five times a "
        "second, with its queries each time.",
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
        "5 % server errors (half of them after the call took effect), 2 % lost answers (half of them after "
        "8 s), 3 % throttling (a third of it as InvalidParameterException), 3 % without capacity, at the "
        "default limits. Figures are sums over the seeds.",
        ("seeds", "seeds", "{}"),
        ("faults injected", "injected", "{}"),
    ),
    "gap": _counted(
        "No capacity",
        "AWS rejects every launch because it has no capacity, in real time.",
    ),
    "killed": _counted(
        "A scheduler killed half-way",
        "SIGKILL after half of the launches. A second scheduler adopts the tasks, and Airflow queues those "
        "again that are not adopted.",
        ("containers before the kill", "launched_before", "{}"),
        ("task instances not adopted", "not_adopted", "{}"),
    ),
    "shared_killed": _counted(
        "Two schedulers, one killed",
        "SIGKILL of one after half of the launches of both. A third one adopts its tasks.",
        ("containers before the kill", "launched_before", "{}"),
        ("task instances not adopted", "not_adopted", "{}"),
    ),
    "lag": _counted(
        "DescribeTasks lags behind",
        "For 20 s, DescribeTasks does not return a task that RunTask has launched.",
    ),
    "steady": _measured(
        "Running tasks",
        "Tasks that only run. Measured after they were adopted and described once, when they are due again "
        "(ours: after one minute, after nearly seven with 10,000 tasks). Bytes are everything that the "
        "executor keeps for a task.\n\n![Calls](benchmarks/calls.svg)",
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
        "Each runs for 5 to 15 s while others keep running. The peer launches one after another and falls "
        "behind; its figures are of the tasks that ended in time. Calls are all calls of the executor: "
        "ECS, SQS, S3.",
        ("tasks", "tasks", "{}"),
        ("ended in time", "ended", "{}"),
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
        "In Airflow's own adoption loop, from PostgreSQL, under its row locks. For some tasks the database "
        "has only the launch ID, because their scheduler ended before it recorded the ARN.",
        ("offered", "offered", "{}"),
        ("not adopted", "not_adopted", "{}"),
        ("slots counted", "slots", "{}"),
        ("try_adopt_task_instances, seconds", "adoption_s", "{:.3f}"),
        ("... SELECTs", "adoption_selects", "{}"),
        ("adopt_or_reset_orphaned_tasks, seconds", "orphans_s", "{:.3f}"),
        ("... SELECTs", "orphans_selects", "{}"),
    ),
    "events": _measured(
        "Lost, duplicated and late events",
        "Ten per cent of each. The reconciler finds a lost event after 60 s without news by default. The "
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
        "Two of ours share one database, one queue and one quota. They do not talk to each other: a "
        "scheduler that is throttled halves its rate and raises it again.",
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
        "Simulated (`python -m benchmarks --only scale`): without Airflow, on a simulated clock, with the "
        "parts of four executors taking turns in one thread. CPU includes the simulated AWS. Memory is "
        "what an executor keeps for its tasks. Counts of tasks are totals; all other figures are per "
        "scheduler. What breaks first is receiving events: each scheduler also receives the others'. In a "
        "run whose listeners managed only 20 events a second each, events older than 10 s were dropped, "
        "DescribeTasks had to find the ends, and after 18 minutes 5 % of them were still unknown.",
        ("running", "running", "{}"),
        ("launched", "launched", "{}"),
        ("lost", "lost", "{}"),
        ("reported twice", "told_twice", "{}"),
        ("wrongly failed", "wrongly_failed", "{}"),
        ("memory", "megabytes", "{:.1f} MB"),
        ("CPU (1 = a core)", "cpu_share", "{:.2f}"),
        ("RunTask calls a minute", "RunTask_per_minute", "{:,.0f}"),
        ("DescribeTasks calls a minute", "DescribeTasks_per_minute", "{:,.0f}"),
    ),
    "simulator": _measured(
        "The simulated AWS alone",
        "Its throughput with 200 connections. RunTask includes the containers' lives and events. The "
        "scenarios above make at most about 300 calls a second; the tables of a thousand tasks at once "
        "show how much of a core that takes.",
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
