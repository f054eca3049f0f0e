"""From records to figures. Pure: times in seconds since the epoch go in, named numbers come out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.drives import Record

Figures = dict[str, Any]
_WITH_MAIN = 6
"""A heartbeat has so many figures when the main thread's CPU is one of them."""
ECS = ("RunTask", "DescribeTasks", "ListTasks", "StopTask")
SQS = ("ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def percentile(values: Iterable[float], percent: float) -> float:
    """The value below which so many percent lie; the highest for 100; 0.0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def launching(record: Record, tasks: int) -> Figures:
    """How a burst was launched: seconds to the last launch, throttling, heartbeats meanwhile, CPU."""
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
    """Seconds of CPU of the executor's: its threads and its heartbeats, without the scheduler around it."""
    beats = [each for each in record.heartbeats if each[0] >= record.started]
    if not beats or len(beats[0]) < _WITH_MAIN:  # a driver that is no scheduler: all is the executor's
        spent = next((each[3] for each in record.heartbeats if each[0] > until), record.marks["cpu_end"])
        return float(spent - record.marks["cpu_start"])
    last = next((each for each in beats if each[0] > until), beats[-1])
    others = (last[3] - last[5]) - (record.marks["cpu_start"] - record.marks["main_start"])
    return float(others + sum(each[4] for each in beats if each[0] <= last[0]))


def share_of_the_loop(record: Record, begin: float, end: float) -> Figures:
    """What of the scheduler's loop, its sleeps left out, its heartbeats take; and the longest, explained."""
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
    """What Airflow's scheduler takes with an executor that does nothing."""
    begun = record.marks["first_queued"]
    handed = [each for each in record.heartbeats if each[0] >= begun and each[6]]
    end = handed[-1][0] + handed[-1][1] if handed else begun
    return {
        "handed_over": sum(each[6] for each in handed),
        "seconds_to_last": end - begun,
    } | share_of_the_loop(record, begun, end)


def own_launches(record: Record) -> Figures:
    """When this scheduler's own tasks were launched, of several under one quota; throttling is of all."""
    mine = {name for _, name, *_ in record.events}
    created = sorted(at for name, at in first_launches(record).items() if name in mine)
    run_tasks = [each for each in record.cloud["calls"] if each[1] == "RunTask"]
    return {
        "seconds_to_half": percentile(created, 50) - record.started,
        "seconds_to_last": percentile(created, 100) - record.started,
        "throttled_share": sum(bool(each[2]) for each in run_tasks) / max(1, len(run_tasks)),
    }


def heartbeats(beats: list[list[float]]) -> Figures:
    """Milliseconds that heartbeat() held the scheduler."""
    taken = [1000 * each[1] for each in beats]
    return {
        "heartbeats": len(taken),
        "heartbeat_p50_ms": percentile(taken, 50),
        "heartbeat_p99_ms": percentile(taken, 99),
        "heartbeat_max_ms": percentile(taken, 100),
        # What the scheduler's thread worked in the longest; the rest of it was waiting for a core or for the
        # interpreter's lock.
        "heartbeat_cpu_max_ms": percentile([1000 * each[4] for each in beats], 100),
    }


def outcomes(record: Record, tasks: int) -> Figures:
    """What became of the tasks, all of which end well in the simulated cloud.

    duplicates: containers that ran beyond the first of their task. lost: tasks whose end Airflow was never
    told. wrongly_failed: told as failed (in the database: failed, or up for
    retry, where Airflow's own scheduler ran).
    open: told nothing, and the drive ended while something was left.
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
    """Seconds from a container's exit to the event in Airflow's hands."""
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
    """Seconds from a container's exit to its task's committed end, and to its free slot."""
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
    """Seconds from an event's arrival in the queue to the scheduler that owns its task; ours alone."""
    return {
        "event_lag_p50_s": percentile(record.event_lags, 50),
        "event_lag_p99_s": percentile(record.event_lags, 99),
    }


def calls(record: Record, tasks: int) -> Figures:
    """AWS calls by operation, and per task."""
    metrics = Counter(each[1] for each in record.cloud["calls"] if each[0] >= record.started)
    return {
        "calls": dict(metrics),
        "calls_per_task": sum(metrics.values()) / max(1, tasks),
    }


def steady(record: Record, tasks: int, window: float) -> Figures:
    """What the last ``window`` seconds cost while nothing happened."""
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
    """What the scheduler waited for inside its transaction."""
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
    """Task -> when its first container was created."""
    found: dict[str, float] = {}
    for each in record.cloud["tasks"]:
        if each["created"] >= record.started and each["name"]:
            found[each["name"]] = min(each["created"], found.get(each["name"], float("inf")))
    return found


def launch_curve(record: Record) -> list[list[float]]:
    """[seconds, launches so far], for a plot."""
    return [
        [at - (record.marks.get("first_queued") or record.started), number + 1]
        for number, at in enumerate(sorted(first_launches(record).values()))
    ]


def heartbeat_curve(record: Record) -> list[list[float]]:
    """[seconds, milliseconds that the heartbeat took], for a plot."""
    return [[at - record.started, 1000 * taken] for at, taken, *_ in record.heartbeats]


def cloud_load(record: Record) -> Figures:
    """How busy the simulated cloud's one core was: near 1 it would be what is measured."""
    seconds = record.marks["ended"] - record.started
    return {
        "cloud_calls_per_s": len(record.cloud["calls"]) / max(seconds, 1e-9),
        "cloud_cpu_share": record.cloud["busy"] / max(seconds, 1e-9),
    }
