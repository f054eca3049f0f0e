"""Tasks of a scheduler that is gone: which are taken over, and how.

No AWS call: the scheduler holds row locks meanwhile.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_fargate import airflow_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from airflow_fargate.fleet import Fleet
    from airflow_fargate.launch import Launch

log = logging.getLogger(__name__)

_NAMED = 20  # keys in the log's line: thousands would hold the scheduler's transaction
TOKEN_LIFE_SECONDS = 50 * 60
"""How long a clientToken surely stands for its task: AWS keeps it for the task's life and an hour."""


def adopt(
    tis: Sequence[Any], fleet: Fleet, running: set[Any], launch_of: Callable[[Any], Launch]
) -> list[Any]:
    """Hand task instances to the fleet.

    A known ARN is described; a launch id without one is looked for, and launched when it never was: with the
    same clientToken, so that a container that the search overlooked is answered and not doubled.

    Args:
        tis: what Airflow offers.
        fleet: takes them over.
        running: the executor's slots; adopted tasks count.
        launch_of: makes a launch of a workload.

    Returns:
        Those that were not taken: Airflow resets them.
    """
    left, adopted = [], []
    launches = _launches([ti for ti in tis if _may_be_unlaunched(ti)], launch_of)
    for ti in tis:
        try:
            taken = _adopt(ti, fleet, launches.get(ti.key))
        except Exception:
            log.exception("%s could not be adopted; Airflow resets it", ti.key)
            taken = False
        if taken:
            running.add(ti.key)
            adopted.append(ti.key)
        else:
            left.append(ti)
    if tis:
        named = "; ".join(str(key) for key in adopted[:_NAMED])
        more = f" and {len(adopted) - _NAMED} more" if len(adopted) > _NAMED else ""
        log.info("Adopted %d of %d tasks: %s%s", len(adopted), len(tis), named, more)
    return left


def _adopt(ti: Any, fleet: Fleet, launch: Launch | None) -> bool:
    key: Hashable = ti.key
    if fleet.registry.get(key) is not None:
        return True
    external = ti.external_executor_id or ""
    if external.startswith("arn:"):
        fleet.adopt(key, external, arn=external)
        return True
    if not airflow_versions.is_launch_id(external):
        return False
    fleet.adopt(key, external, launch=launch)
    return True


def _may_be_unlaunched(ti: Any) -> bool:
    return (
        ti.state == "queued"
        and airflow_versions.is_launch_id(ti.external_executor_id or "")
        and _age(ti) < TOKEN_LIFE_SECONDS
    )


def _launches(tis: list[Any], launch_of: Callable[[Any], Launch]) -> dict[Hashable, Launch]:
    """Return key -> launch; a task whose launch cannot be made is only looked for."""
    found = {}
    try:
        workloads = airflow_versions.rebuild_workloads(tis)
    except Exception:
        log.exception("The workloads of %d queued tasks could not be made anew", len(tis))
        return {}
    for key, workload in workloads.items():
        try:
            found[key] = launch_of(workload)
        except Exception:
            log.exception("%s cannot be launched again", key)
    return found


def _age(ti: Any) -> float:
    queued: datetime | None = ti.queued_dttm
    return (datetime.now(tz=timezone.utc) - queued).total_seconds() if queued else float("inf")
