"""Turns records into figures. Pure; times in a record are seconds since the epoch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.records import Record

Figures = dict[str, Any]
ECS = ("RunTask", "DescribeTasks", "ListTasks", "StopTask")
SQS = ("ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many percent are below: the highest for 100, and 0.0 without values."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def launching(record: Record, tasks: int) -> Figures:
    """Return how a burst was launched: seconds to the last launch, throttling, heartbeats, CPU."""
    created = sorted(first_launches(record).values())
    begun = record.marks.get("first_queued") or record.started
    last = created[-1] if created else begun
    meanwhile = [each for each in record.heartbeats if record.started <= each[0] <= last]
    cpu = next((each[3] for each in record.heartbeats if each[0] > last), record.marks["cpu_end"])
    run_tasks = [each for each in record.cloud["calls"] if each[1] == "RunTask"]
    throttled = sum(bool(each[2]) for each in run_tasks)
    return {
        "launched": len(created),
        "of": tasks,
        "seconds_to_last": last - begun,
        "throttled_share": throttled / max(1, len(run_tasks)),
        "cpu_ms_per_launch": 1000 * executors_cpu(record, last) / max(1, len(created)),
        "process_cpu_ms_per_launch": 1000 * (cpu - record.marks["cpu_start"]) / max(1, len(created)),
        **heartbeats(meanwhile),
        **share_of_the_loop(record, begun, last),
        **cloud_load(record),
    }


def executors_cpu(record: Record, until: float) -> float:
    """Return the CPU seconds of the executor: its threads and its heartbeats, without the scheduler."""
    beats = [each for each in record.heartbeats if each[0] >= record.started]
    if not beats:
        return 0.0
    last = next((each for each in beats if each[0] > until), beats[-1])
    others = (last[3] - last[5]) - (record.marks["cpu_start"] - record.marks["main_start"])
    return float(others + sum(each[4] for each in beats if each[0] <= last[0]))


def share_of_the_loop(record: Record, begin: float, end: float) -> Figures:
    """Return the heartbeats' share of the scheduler's loop without sleeps, and what the longest one did."""
    loops = [busy for at, busy in record.loops if begin <= at <= end and busy]
    beats = [each for each in record.heartbeats if begin <= each[0] <= end]
    if not loops or not beats:
        return {}
    longest = max(beats, key=lambda each: each[1])
    return {
        "loops": len(loops),
        "loop_p50_ms": percentile([1000 * busy for busy in loops], 50),
        "loop_s": sum(loops),
        "heartbeat_share": sum(each[1] for each in beats) / sum(loops),
        "heartbeat_longest_did": f"{longest[6]} handed over, {longest[7]} reported, "
        f"{1000 * longest[4]:.0f} ms of CPU, {1000 * longest[8]:.0f} ms of garbage collection",
    }


def queueing(record: Record) -> Figures:
    """Return how long Airflow's scheduler takes with an executor that does nothing."""
    begun = record.marks["first_queued"]
    handed = [each for each in record.heartbeats if each[0] >= begun and each[6]]
    end = handed[-1][0] + handed[-1][1] if handed else begun
    return {
        "handed_over": sum(each[6] for each in handed),
        "seconds_to_last": end - begun,
    } | share_of_the_loop(record, begun, end)


def heartbeats(beats: list[list[float]]) -> Figures:
    """Return how long heartbeat() blocked the scheduler, in milliseconds."""
    taken = [1000 * each[1] for each in beats]
    return {
        "heartbeats": len(taken),
        "heartbeat_p50_ms": percentile(taken, 50),
        "heartbeat_p99_ms": percentile(taken, 99),
        "heartbeat_max_ms": percentile(taken, 100),
        # The CPU of the busiest heartbeat. The rest of its time it waited for a core or for the GIL.
        "heartbeat_cpu_max_ms": percentile([1000 * each[4] for each in beats], 100),
    }


def outcomes(record: Record, tasks: int) -> Figures:
    """Count what became of the tasks, whose containers all exit with 0.

    Returns:
        duplicates: second and later containers that ran for a task.
        lost: tasks without an end in Airflow.
        wrongly_failed: tasks that failed or are up for retry.
        slots_left: slots still in use at the end.
        payloads_left: objects left in S3.
    """
    ran = Counter(each["name"] for each in record.cloud["tasks"] if each["started"] is not None)
    ended = {name: word for _, name, word, _ in record.events if word in {"success", "failed"}}
    if record.states:
        ended = {
            name: "success" if state == "success" else "failed"
            for name, state in record.states.items()
            if state in {"success", "failed", "up_for_retry"}
        }
    words = Counter(ended.values())
    return {
        "tasks": tasks,
        "succeeded": words["success"],
        "duplicates": sum(count - 1 for count in ran.values()),
        "lost": tasks - len(ended),
        "wrongly_failed": words["failed"],
        "seconds": record.marks["ended"] - record.started,
        "slots_left": record.marks["running"],
        "payloads_left": record.cloud["left"],
    }


def latency(record: Record) -> Figures:
    """Return the seconds from a container's exit to the event that Airflow has committed."""
    exited = {each["name"]: each["exited"] for each in record.cloud["tasks"] if each["exited"]}
    seconds = [
        at - exited[name]
        for at, name, word, _ in record.events
        if word in {"success", "failed"} and name in exited
    ]
    return {
        "ended": len(seconds),
        "exit_to_event_p50_s": percentile(seconds, 50),
        "exit_to_event_p99_s": percentile(seconds, 99),
        "exit_to_event_max_s": percentile(seconds, 100),
    }


def ends(record: Record, tasks: int) -> Figures:
    """Return the seconds from a container's exit to the committed end of its task, and to its free slot."""
    exited = {each["name"]: each["exited"] for each in record.cloud["tasks"] if each["exited"]}
    freed = [at - exited[name] for at, name in record.freed if name in exited]
    states = Counter(record.states.values())
    return {
        "tasks": tasks,
        "success": states["success"],
        "failed": states["failed"],
        "up_for_retry": states["up_for_retry"],
        **latency(record),
        "freed": len(freed),
        "exit_to_slot_p50_s": percentile(freed, 50),
        "exit_to_slot_p99_s": percentile(freed, 99),
        **heartbeats([each for each in record.heartbeats if each[0] >= record.started]),
        **share_of_the_loop(record, record.started, record.marks["ended"]),
    }


def event_lag(record: Record) -> Figures:
    """Return the seconds from an event's arrival in the queue to the scheduler that owns its task."""
    return {
        "event_lag_p50_s": percentile(record.event_lags, 50),
        "event_lag_p99_s": percentile(record.event_lags, 99),
    }


def calls(record: Record, tasks: int) -> Figures:
    """Return the AWS calls by operation and per task."""
    metrics = Counter(each[1] for each in record.cloud["calls"] if each[0] >= record.started)
    return {
        "calls": dict(metrics),
        "calls_per_task": sum(metrics.values()) / max(1, tasks),
    }


def steady(record: Record, tasks: int, window: float) -> Figures:
    """Return the cost of the last ``window`` seconds, in which no task started or ended."""
    begin = record.marks["ended"] - window
    beats = [each for each in record.heartbeats if each[0] >= begin]
    before = next((each for each in beats), record.heartbeats[-1])
    seconds = record.marks["ended"] - before[0]
    minutes = seconds / 60
    last = record.heartbeats[-1]
    spent = last[3] - last[5] - (before[3] - before[5]) + sum(each[4] for each in beats[1:])
    ecs = [each[0] for each in record.cloud["calls"] if each[0] >= before[0] and each[1] in ECS]
    sqs = [each[0] for each in record.cloud["calls"] if each[0] >= before[0] and each[1] in SQS]
    per_minute = Counter(int((at - before[0]) // 60) for at in ecs)
    return {
        "running": tasks,
        "window_s": seconds,
        "cpu_share": spent / max(seconds, 1e-9),
        "ecs_calls_per_minute": len(ecs) / max(minutes, 1e-9),
        "ecs_calls_in_busiest_minute": max(per_minute.values(), default=0),
        "sqs_calls_per_minute": len(sqs) / max(minutes, 1e-9),
        "bytes_per_task": record.marks["held_bytes"] / max(1, tasks),
        **heartbeats(beats),
    }


def adoption(record: Record, offered: int) -> Figures:
    """Return how long adoption took inside the scheduler's transaction."""
    return {
        "offered": offered,
        "not_adopted": record.marks["not_adopted"],
        "slots": record.marks["slots"],
        "adoption_s": record.marks["adoption"][1],
        "adoption_selects": record.marks.get("adoption_selects", 0),
        "orphans_s": record.marks.get("orphans_s", 0.0),
        "orphans_selects": record.marks.get("orphans_selects", 0),
    }


def first_launches(record: Record) -> dict[str, float]:
    """Return task -> when its first container was created."""
    found: dict[str, float] = {}
    for each in record.cloud["tasks"]:
        if each["created"] >= record.started and each["name"]:
            found[each["name"]] = min(each["created"], found.get(each["name"], float("inf")))
    return found


def launch_curve(record: Record) -> list[list[float]]:
    """Return ``[seconds, launches so far]`` for a plot."""
    return [
        [at - (record.marks.get("first_queued") or record.started), number + 1]
        for number, at in enumerate(sorted(first_launches(record).values()))
    ]


def heartbeat_curve(record: Record) -> list[list[float]]:
    """Return ``[seconds, milliseconds of the heartbeat]`` for a plot."""
    return [[at - record.started, 1000 * taken] for at, taken, *_ in record.heartbeats]


def cloud_load(record: Record) -> Figures:
    """Return how busy the simulated AWS was. Near 1, its one core would be the bottleneck."""
    seconds = record.marks["ended"] - record.started
    return {
        "cloud_calls_per_s": len(record.cloud["calls"]) / max(seconds, 1e-9),
        "cloud_cpu_share": record.cloud["busy"] / max(seconds, 1e-9),
    }
