"""The plugin that Airflow loads. Imports nothing heavy, because workers and schedulers load it, too."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin

PATH = "/fargate"
"""Where the API server serves the page, below ``[api] base_url``."""


class FargatePlugin(AirflowPlugin):
    """Adds the page, its entry in Airflow's navigation, and a link to each task instance's container.

    Airflow reads these attributes from the instance, in the API server; 2.11 also where it parses DAGs. They
    are empty on Airflow 2.11 and 3.0.
    """

    name = "airflow_fargate"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Return the app that serves the page."""
        if not _has_pages():
            return []
        from airflow_fargate.page.app import make_app  # noqa: PLC0415  imports FastAPI and Airflow's API

        return [{"name": "Fargate", "app": make_app(), "url_prefix": PATH}]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:
        """Return the entry in the navigation, which shows the page inside Airflow's."""
        if not _has_pages():
            return []
        from airflow.configuration import conf  # noqa: PLC0415  other processes need none of this

        below = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        view = {"name": "Fargate", "href": f"{below}{PATH}/", "destination": "nav", "url_route": "fargate"}
        return [view]

    @cached_property
    def global_operator_extra_links(self) -> list[Any]:
        """Return the link on each task instance."""
        if not _has_pages():
            return []
        from airflow_fargate.page.link import ContainerLink  # noqa: PLC0415  imports Airflow's SDK

        return [ContainerLink()]


def _has_pages() -> bool:
    from airflow_fargate.airflow_versions import HAS_PAGES  # noqa: PLC0415  other processes do not ask

    return HAS_PAGES
