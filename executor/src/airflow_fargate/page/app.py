"""The page's FastAPI app, which Airflow's API server mounts at ``/fargate``."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from airflow_fargate.airflow_versions import teams_of, teams_with, unfinished_tries
from airflow_fargate.aws.logs import shared_clients
from airflow_fargate.errors import ConfigurationError
from airflow_fargate.executor import FargateExecutor
from airflow_fargate.page.statuses import read_statuses
from airflow_fargate.page.view import Snapshot, Team, render

if TYPE_CHECKING:
    from collections.abc import Callable

CACHED_SECONDS = 10.0
MOST_TRIES = 5000


def make_app() -> FastAPI:
    """Return the app. Every route asks Airflow who calls; a caller without the permission gets 401 or 403.

    The permission is that of Airflow's page of jobs. Rows of DAGs that the caller may not read are left out.
    """
    app = FastAPI(
        title="Fargate",
        openapi_url=None,
        dependencies=[Depends(requires_access_view(AccessView.JOBS))],
    )
    cached = Cached(read)

    @app.get("/", response_class=HTMLResponse)
    def page(user: GetUserDep) -> HTMLResponse:
        dags = get_auth_manager().get_authorized_dag_ids(user=user)
        snapshot = cached.get()
        shown = [each for each in snapshot.teams if _may_see(user, each.name)]
        nonce = secrets.token_urlsafe(16)
        page = render(replace(snapshot, teams=shown), dags, time.time(), nonce)
        return HTMLResponse(page, headers=_headers(nonce))

    return app


def _may_see(user: Any, team: str) -> bool:
    if not team:
        return True
    from airflow.api_fastapi.auth.managers.models.resource_details import TeamDetails  # noqa: PLC0415  3.2

    details = TeamDetails(name=team)
    return bool(get_auth_manager().is_authorized_team(method="GET", user=user, details=details))


def _headers(nonce: str) -> dict[str, str]:
    own = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-ancestors 'self'"
    return {
        "Content-Security-Policy": f"default-src 'none'; base-uri 'none'; form-action 'none'; {own}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


class Cached:
    """Reads at most every ten seconds, whoever asks, and in one thread at a time.

    Args:
        read: reads.
        clock: monotonic seconds.
    """

    def __init__(self, read: Callable[[], Snapshot], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock, self._wait = read, clock, 2.0
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._last = Snapshot(0.0, [Team("", None, (), "The schedulers' status is being read.")], ())

    def get(self) -> Snapshot:
        """Return what was read last."""
        if self._clock() - self._read_at < CACHED_SECONDS:
            return self._last
        # While S3 does not answer, views must not take all of the API server's threads.
        if self._reading.acquire(timeout=self._wait):
            try:
                if self._clock() - self._read_at >= CACHED_SECONDS:
                    self._last = self._read()
                    self._read_at = self._clock()
            finally:
                self._reading.release()
        return self._last


def read() -> Snapshot:
    """Read Airflow's database, and the payload bucket of each team."""
    now = time.time()
    teams = [read_team(each, now) for each in teams_with(FargateExecutor)]
    tries = unfinished_tries(MOST_TRIES)
    has_others = any(each.name for each in teams)
    return Snapshot(now, teams, tries, teams_of(each.dag_id for each in tries) if has_others else {})


def read_team(name: str, now: float) -> Team:
    """Read a team's section and its schedulers' statuses.

    Args:
        name: the team's; empty for the section without a team.
        now: seconds since the epoch.
    """
    try:
        config = FargateExecutor(parallelism=1, **({"team_name": name} if name else {})).read_config()
    except ConfigurationError as error:
        return Team(name, None, (), str(error))
    return Team(name, config, *read_statuses(config, shared_clients(config.region), now, name))
