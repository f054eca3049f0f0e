"""The scenarios: each runs our executor and the peer against the same AWS and returns figures and curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import figures as f
from benchmarks.cloud import CloudSetup
from benchmarks.floor import bare_calls_ms
from benchmarks.scale import play as play_scale
from benchmarks.simulator import capacity
from benchmarks.sizes import FAULTS, bound, quotas
from benchmarks.stage import FLOOR
from benchmarks.standby import refills as play_refills
from benchmarks.standby import to_first_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.records import Record
    from benchmarks.sizes import Size
    from benchmarks.stage import Stage

Figures = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a scenario found.

    Args:
        cases: label -> executor -> figures.
        curves: label -> executor -> points of a plot.
    """

    cases: dict[str, dict[str, Figures]]
    curves: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)


def burst(stage: Stage, size: Size) -> Outcome:
    """A thousand tasks at once: at AWS's default limits, at ten times those, and there with S3 payloads."""
    cases: dict[str, dict[str, Figures]] = {}
    curves: dict[str, dict[str, list[list[float]]]] = {}
    run_task, put_object = bare_calls_ms()
    # An executor that does nothing: no executor can be faster than the scheduler.
    floor = f.queueing(_burst(stage, FLOOR, 1, size, payloads=False))
    cases["the scheduler alone"] = {FLOOR: floor}
    for label, times, payloads, executors in (
        ("default limits, inline", 1, False, size.executors),
        ("limits x 10, inline", 10, False, size.executors),
        ("limits x 10, S3", 10, True, ("ours",)),
    ):
        cases[label], curves[label], curves[f"heartbeats: {label}"] = {}, {}, {}
        for executor in executors:
            record = _burst(stage, executor, times, size, payloads=payloads)
            found = f.launching(record, size.burst)
            least = bound(size.burst, times)
            larger = max(least, floor["seconds_to_last"])
            found |= {
                "bound_s": least,
                "floor_s": floor["seconds_to_last"],
                "times_the_bound": found["seconds_to_last"] / least if least else 0.0,
                "times_the_larger": found["seconds_to_last"] / larger if larger else 0.0,
                "bare_calls_ms": run_task + put_object if payloads else run_task,
            }
            found["times_the_bare_calls"] = found["cpu_ms_per_launch"] / found["bare_calls_ms"]
            cases[label][executor] = found
            curves[label][executor] = f.launch_curve(record)
            curves[f"heartbeats: {label}"][executor] = f.heartbeat_curve(record)
    return Outcome(cases, curves)


def _burst(stage: Stage, executor: str, times: int, size: Size, *, payloads: bool) -> Record:
    return stage.play(
        executor,
        CloudSetup(quotas=times),
        payloads=payloads,
        options=quotas(times),
        arrivals=[[0, size.burst]],
        until="launched",
        seconds=size.patience,
    )


def ends(stage: Stage, size: Size) -> Outcome:
    """Ten containers a second exit or are killed from outside, with two values of the scheduler's sleep."""
    cases: dict[str, dict[str, Figures]] = {}
    count = round(size.ends_seconds * 10)
    for idle in size.ends_idle:
        for kind, code in size.ends_codes:
            record = stage.play(
                "ours",
                CloudSetup(run=[5, 15], exit_code=code),
                payloads=False,
                arrivals=[[number / 10, 1] for number in range(count)],
                until="finished",
                seconds=size.ends_seconds + 40,
                airflow={"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": idle},
                slots=True,
            )
            cases[f"{kind}, scheduler_idle_sleep_time = {idle}"] = {"ours": f.ends(record, count)}
    return Outcome(cases)


def faults(stage: Stage, size: Size) -> Outcome:
    """Errors, lost answers, throttling and missing capacity; figures are sums over several seeds."""
    summed: dict[str, Figures] = {}
    for executor in size.executors:
        totals: Figures = {"seeds": len(size.seeds), "injected": 0}
        for seed in size.seeds:
            record = stage.play(
                executor,
                CloudSetup(run=[5, 10], faults=FAULTS, seed=seed),
                arrivals=[[0, size.faulty]],
                seconds=size.patience / 2,
            )
            for name, value in f.outcomes(record, size.faulty).items():
                totals[name] = totals.get(name, 0) + value
            injected = record.cloud["injected"]
            totals["injected"] += sum(count for kind, count in injected.items() if kind != "limit")
        summed[executor] = totals
    return Outcome({"all faults together": summed})


def gap(stage: Stage, size: Size) -> Outcome:
    """No capacity for two minutes in real time, and for half a minute to compare with the peer."""
    cases: dict[str, dict[str, Figures]] = {}
    for seconds, executors in ((size.gap, ("ours",)), (size.gap_peer, size.executors)):
        label = f"{seconds:.0f} s without capacity"
        cases.setdefault(label, {})
        for executor in executors:
            record = stage.play(
                executor,
                CloudSetup(run=[5, 10], faults=[{"kind": "capacity", "until": seconds}]),
                arrivals=[[0, size.gap_tasks]],
                seconds=seconds + 120,
            )
            cases[label][executor] = f.outcomes(record, size.gap_tasks)
    return Outcome(cases)


def killed(stage: Stage, size: Size) -> Outcome:
    """A scheduler is killed half-way through the launches; a second one adopts its tasks."""
    found: dict[str, Figures] = {}
    for executor in size.executors:
        record, launched = stage.play_killed(
            executor, CloudSetup(run=list(size.killed_run)), size.killed, size.patience
        )
        found[executor] = {
            "launched_before": launched,
            "not_adopted": record.marks["not_adopted"],
            **f.outcomes(record, size.killed),
        }
    return Outcome({"killed half-way": found})


def steady(stage: Stage, size: Size) -> Outcome:
    """The cost of watching tasks that only run."""
    cases: dict[str, dict[str, Figures]] = {}
    curve: dict[str, list[list[float]]] = {name: [] for name in size.executors}
    for running, settling in zip(size.steady, size.steady_settling, strict=True):
        label = f"{running} running"
        cases[label] = {}
        for executor in size.executors:
            # Ours describes adopted tasks at once, and again after a time that grows with their number.
            # That is the steady state. The peer describes all tasks at every heartbeat.
            before = settling if executor == "ours" else size.steady_settling_peer
            seconds = size.steady_seconds
            record = stage.play(
                executor, CloudSetup(), preload=running, until="time", seconds=seconds + before
            )
            cases[label][executor] = f.steady(record, running, seconds)
            curve[executor].append([running, cases[label][executor]["ecs_calls_per_minute"]])
    return Outcome(cases, {"ECS calls a minute": curve})


def churn(stage: Stage, size: Size) -> Outcome:
    """Ten tasks a second, each 5 to 15 s long, while others keep running."""
    cases: dict[str, dict[str, Figures]] = {}
    for executor in size.executors:
        for running in size.churn_running if executor == "ours" else size.churn_running_peer:
            count = round(size.churn_seconds * 10)
            for payloads in (True, False) if executor == "ours" and running else (True,):
                record = stage.play(
                    executor,
                    CloudSetup(run=[5, 15]),
                    payloads=payloads,
                    preload=running,
                    arrivals=[[number / 10, 1] for number in range(count)],
                    until="time",
                    seconds=size.churn_seconds + 25,
                )
                kind = "" if payloads else ", inline payloads"
                cases.setdefault(f"{running} others running{kind}", {})[executor] = {
                    **f.latency(record),
                    **f.calls(record, count),
                    **f.heartbeats(record.heartbeats),
                    "tasks": count,
                }
    return Outcome(cases)


def small(stage: Stage, size: Size) -> Outcome:
    """A small deployment: forty tasks at once, each 10 to 30 s long."""
    found: dict[str, Figures] = {}
    for executor in size.executors:
        record = stage.play(
            executor, CloudSetup(run=[10, 30]), arrivals=[[0, size.small]], seconds=size.patience
        )
        found[executor] = {
            **f.outcomes(record, size.small),
            **f.latency(record),
            **f.calls(record, size.small),
            **f.heartbeats(record.heartbeats),
        }
    return Outcome({f"{size.small} tasks": found})


def adoption(stage: Stage, size: Size) -> Outcome:
    """Adoption of thousands of tasks in Airflow's own loop: seconds and SELECTs."""
    cases: dict[str, dict[str, Figures]] = {}
    for adopted in size.adopted:
        for kind, recorded in (("all ARNs recorded", 1.0), ("a fifth known by launch id alone", 0.8)):
            label = f"{adopted}, {kind}"
            cases[label] = {}
            for executor in size.executors:
                record = stage.play(
                    executor, CloudSetup(), preload=adopted, recorded=recorded, until="time", seconds=1.0
                )
                cases[label][executor] = f.adoption(record, adopted)
    return Outcome(cases)


def events(stage: Stage, size: Size) -> Outcome:
    """Of all events, 10 % are lost, 10 % are duplicated and 10 % arrive out of order."""
    unreliable = {"lost": 0.1, "duplicated": 0.1, "delayed": 0.1}
    record = stage.play(
        "ours",
        CloudSetup(run=[5, 15], events=unreliable, seed=1),
        options={"RECONCILE_INTERVAL": str(size.reconcile)},
        arrivals=[[0, size.events]],
        seconds=size.patience,
    )
    found = {**f.outcomes(record, size.events), **f.latency(record)}
    return Outcome({"10 % of each": {"ours": found}})


def shared(stage: Stage, size: Size) -> Outcome:
    """Two of our schedulers that share one database, one queue and one quota."""
    both = 2 * size.shared
    record = stage.play(
        "ours", CloudSetup(run=[10, 20]), arrivals=[[0, both]], seconds=size.patience, schedulers=2
    )
    figures = {
        **f.outcomes(record, both),
        **f.latency(record),
        **f.event_lag(record),
        **f.launching(record, both),
    }
    return Outcome({"both": {"ours": figures}})


def shared_killed(stage: Stage, size: Size) -> Outcome:
    """Two of our schedulers, one of them killed half-way; a third one adopts its tasks."""
    record, launched = stage.play_killed(
        "ours", CloudSetup(run=list(size.killed_run)), size.killed, size.patience, schedulers=2
    )
    found = {
        "launched_before": launched,
        "not_adopted": record.marks["not_adopted"],
        **f.outcomes(record, size.killed),
    }
    return Outcome({"the tasks of both": {"ours": found}})


def lag(stage: Stage, size: Size) -> Outcome:
    """DescribeTasks does not return a task until some time after RunTask returned it."""
    cases: dict[str, dict[str, Figures]] = {}
    for label, executors, options in (
        ("with events", size.executors, {}),
        ("without a queue", ("ours",), {"EVENT_QUEUE_URL": "", "RECONCILE_INTERVAL": "5"}),
    ):
        cases[label] = {}
        for executor in executors:
            record = stage.play(
                executor,
                CloudSetup(run=[5, 10], describe_lag=size.lag),
                options=options,
                arrivals=[[0, size.lagging]],
                seconds=size.patience,
            )
            cases[label][executor] = f.outcomes(record, size.lagging)
    return Outcome(cases)


def standby(stage: Stage, size: Size) -> Outcome:
    """From queued to the first line: on a standby, cold, with the peer, and on an always-on Celery worker."""
    return Outcome(to_first_line(stage, size))


def refills(stage: Stage, size: Size) -> Outcome:
    """A thousand tasks at once: without standbys, with them, and while they are being started."""
    return Outcome(play_refills(stage, size))


def scale(_: Stage, size: Size) -> Outcome:
    """Four schedulers with a hundred thousand running tasks, on a simulated clock and without Airflow."""
    running, rate = size.scale
    return Outcome({f"{running} running, {rate} launches a second": {"ours": play_scale(running, rate)}})


def simulator(_: Stage, size: Size) -> Outcome:
    """The throughput of the simulated AWS."""
    return Outcome({name: {"ours": found} for name, found in capacity(size.simulator).items()})


SCENARIOS: dict[str, Callable[[Stage, Size], Outcome]] = {
    each.__name__: each
    for each in (
        burst,
        ends,
        faults,
        gap,
        killed,
        steady,
        churn,
        small,
        adoption,
        events,
        lag,
        shared,
        shared_killed,
        simulator,
        standby,
        refills,
        scale,
    )
}
