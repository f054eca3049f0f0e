"""Writes down which database schema the image's Airflow has: `python -m airflow_fargate.control.schema FILE`.

Runs when the image is built, so that `prepare` knows the answer without importing Airflow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CORE, FAB = "alembic_version", "alembic_version_fab"
"""Tables that hold a database's revision: of Airflow itself, and of the FAB auth manager's users."""


def describe() -> dict[str, Any]:
    """Return the fields of :class:`airflow_fargate.control.prepare.Schema`."""
    import airflow  # noqa: PLC0415  seconds, and the image's build alone needs it

    heads, releases = {}, {}
    for table, folder, attribute in _migrations():
        revisions = _revisions(folder)
        heads[table] = revisions[0].revision
        releases[table] = {each.revision: str(getattr(each.module, attribute)) for each in revisions}
    return {"airflow": airflow.__version__, "heads": heads, "releases": releases}


def _migrations() -> list[tuple[str, Path, str]]:
    """Return each table, its folder of migrations, and the migrations' attribute that names the release."""
    import airflow  # noqa: PLC0415

    found = [(CORE, Path(airflow.__file__).parent / "migrations", "airflow_version")]
    try:
        from airflow.providers import fab  # noqa: PLC0415
    except ImportError:  # another auth manager
        return found
    return [*found, (FAB, Path(fab.__file__).parent / "migrations", "fab_version")]


def _revisions(folder: Path) -> list[Any]:
    """Return all revisions of a folder of migrations, the newest first."""
    from alembic.config import Config  # noqa: PLC0415  comes with Airflow
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder))
    return list(ScriptDirectory.from_config(config).walk_revisions())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(describe(), indent=1) + "\n", encoding="utf-8")
