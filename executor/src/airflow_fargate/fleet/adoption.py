"""Adopts the tasks of a dead scheduler. Makes no AWS call, because Airflow holds row locks meanwhile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_fargate import airflow_versions
from airflow_fargate.errors import TaskOptionsError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from airflow_fargate.fleet.fleet import Fleet
    from airflow_fargate.tasks.launch import Launch

log = logging.getLogger(__name__)

_NAMED = 20  # keys in the log line; writing thousands would prolong the scheduler's transaction


def adopt(
    tis: Sequence[Any], fleet: Fleet, running: set[Any], launch_of: Callable[[Any], Launch]
) -> list[Any]:
    """Hand task instances to the fleet.

    A task with an ARN is described. A task with only a launch id is searched for; if it is queued and not
    found, it is launched, however long it has waited: if its container had run, Airflow would have it as
    running.

    Args:
        tis: the task instances that Airflow offers.
        fleet: tracks them from now on.
        running: the executor's occupied slots; adopted tasks are added.
        launch_of: makes a launch from a workload.

    Returns:
        The task instances that were not adopted; Airflow resets them.

    Raises:
        sqlalchemy.exc.OperationalError: the database is not available; Airflow retries the adoption.
    """
    airflow_versions.load_for_adoption(tis)
    rebuilder = airflow_versions.Rebuilder(tis)
    left, adopted = [], []
    for ti in tis:
        try:
            key = _adopt(ti, fleet, lambda ti: launch_of(rebuilder.work(ti)))
        except airflow_versions.OperationalError:
            raise
        except Exception:
            log.exception("Adopting a task failed; Airflow resets it: %s", _name(ti))
            key = None
        if key is not None:
            running.add(key)
            adopted.append(key)
        else:
            left.append(ti)
    if tis:
        named = "; ".join(str(key) for key in adopted[:_NAMED])
        more = f" and {len(adopted) - _NAMED} more" if len(adopted) > _NAMED else ""
        log.info("Adopted %d of %d tasks: %s%s", len(adopted), len(tis), named, more)
    return left


def _adopt(ti: Any, fleet: Fleet, launch_of: Callable[[Any], Launch]) -> Hashable | None:
    """Adopt one task; return its key, or None if its external executor id is not ours."""
    key: Hashable = ti.key
    if fleet.registry.get(key) is not None:
        return key
    subject = airflow_versions.subject_of(key)
    fleet.supersede(subject, key)
    external = ti.external_executor_id or ""
    if external.startswith("arn:"):
        fleet.adopt(key, external, arn=external, subject=subject)
        return key
    if not airflow_versions.is_launch_id(external):
        return None
    launch, unlaunchable = None, ""
    if ti.state == "queued":
        try:
            launch = launch_of(ti)
        except airflow_versions.OperationalError:
            raise
        except TaskOptionsError as error:
            unlaunchable = str(error)
        except Exception as error:
            log.exception("Rebuilding the workload of %s failed; searching for its container", key)
            unlaunchable = f"The executor could not rebuild this task's workload: {error!r}"
    fleet.adopt(key, external, launch=launch, subject=subject, unlaunchable=unlaunchable)
    return key


def _name(ti: Any) -> str:
    """Return the name from columns that are already loaded; loading others may raise again."""
    known = getattr(ti, "__dict__", {})
    return ".".join(str(known.get(name, "?")) for name in ("dag_id", "task_id", "run_id"))
