"""The page's FastAPI app, which Airflow's API server mounts at ``/fargate``."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from airflow_fargate.airflow_versions import unfinished_tries
from airflow_fargate.aws.logs import shared_clients
from airflow_fargate.errors import ConfigurationError
from airflow_fargate.executor import FargateExecutor
from airflow_fargate.page.statuses import read_statuses
from airflow_fargate.page.view import Snapshot, render

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
        nonce = secrets.token_urlsafe(16)
        return HTMLResponse(render(cached.get(), dags, time.time(), nonce), headers=_headers(nonce))

    return app


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
        self._last = Snapshot(0.0, None, (), (), "The schedulers' status is being read.")

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
    """Read Airflow's database and the payload bucket."""
    now = time.time()
    try:
        config = FargateExecutor(parallelism=1).read_config()
    except ConfigurationError as error:
        return Snapshot(now, None, (), (), str(error))
    statuses, missing = read_statuses(config, shared_clients(config.region), now)
    return Snapshot(now, config, unfinished_tries(MOST_TRIES), statuses, missing)
