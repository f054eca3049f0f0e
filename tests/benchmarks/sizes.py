"""How large the scenarios are, and the quotas and faults that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EXECUTORS = ("ours", "peer")


@dataclass(frozen=True)
class Size:
    """How large the scenarios are. Fields are named after their scenarios; times are in seconds."""

    burst: int = 1000
    seeds: tuple[int, ...] = (1, 2)
    faulty: int = 250
    gap_tasks: int = 60
    gap: float = 120.0
    gap_peer: float = 30.0
    killed: int = 200
    killed_run: tuple[float, float] = (60.0, 70.0)
    steady: tuple[int, ...] = (1000, 10_000)
    steady_settling: tuple[float, ...] = (60.0, 400.0)
    steady_seconds: float = 60.0
    steady_settling_peer: float = 10.0
    churn_seconds: float = 25.0
    churn_running: tuple[int, ...] = (0, 1000)
    churn_running_peer: tuple[int, ...] = (0,)
    ends_seconds: float = 25.0
    ends_idle: tuple[str, ...] = ("1", "0.2")
    ends_codes: tuple[tuple[str, int], ...] = (("exits", 0), ("killed from outside", 137))
    scale: tuple[int, int] = (100_000, 200)
    small: int = 40
    adopted: tuple[int, ...] = (5000,)
    events: int = 300
    shared: int = 200
    lag: float = 20.0
    lagging: int = 60
    reconcile: float = 60.0
    simulator: int = 4000
    standby_hits: int = 300
    standby_pool: int = 120
    standby_cold: int = 40
    refills_pool: int = 50
    patience: float = 300.0
    executors: tuple[str, ...] = EXECUTORS


FULL = Size()
QUICK = Size(
    burst=60,
    seeds=(1,),
    faulty=30,
    gap_tasks=10,
    gap=4.0,
    gap_peer=4.0,
    killed=30,
    killed_run=(8.0, 9.0),
    steady=(200,),
    steady_settling=(1.0,),
    steady_seconds=3.0,
    churn_seconds=3.0,
    churn_running=(50,),
    churn_running_peer=(50,),
    ends_seconds=2.0,
    ends_idle=("0.2",),
    ends_codes=(("killed from outside", 137),),
    scale=(500, 40),
    small=10,
    adopted=(200,),
    events=20,
    shared=20,
    simulator=300,
    standby_hits=10,
    standby_pool=10,
    standby_cold=5,
    refills_pool=5,
    lag=3.0,
    lagging=10,
    reconcile=5.0,
    patience=120.0,
    executors=("ours",),
)

FAULTS: list[dict[str, Any]] = [
    {"kind": "server_error", "probability": 0.025},
    {"kind": "server_error_after", "probability": 0.025},
    {"kind": "lost", "probability": 0.01},
    {"kind": "lost", "probability": 0.01, "delay": 8.0},
    {"kind": "throttle", "probability": 0.02},
    {"kind": "hidden_throttle", "probability": 0.01, "operations": ["RunTask"]},
    {"kind": "capacity", "probability": 0.03},
]
"""Of all calls: 5 % server errors (half of them after the call took effect), 2 % lost answers (half of them
after 8 s), 3 % throttling (a third of it as InvalidParameterException), 3 % without capacity."""


def quotas(times: int) -> dict[str, str]:
    """Return the options of `[fargate]` for quotas raised so many times."""
    if times == 1:
        return {}
    return {
        "RUN_TASK_RATE": str(20 * times),
        "RUN_TASK_BURST": str(20 * times),
        "LAUNCH_RATE": str(20 * times),
        "LAUNCH_BURST": str(100 * times),
    }


def bound(tasks: int, times: int) -> float:
    """Return the least seconds that AWS's limits allow for so many launches."""
    calls = (tasks - 20 * times) / (20 * times)
    launches = (tasks - 100 * times) / (20 * times)
    return max(calls, launches, 0.0)
