"""An Airflow home of its own for every test run: nothing is read from, or written to, a person's own."""

from __future__ import annotations

import contextlib
import os
import tempfile

# Airflow reads these when it is imported, so they stand before any test's import of it.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-fargate-tests-")
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "0123456789abcdef" * 4

# The environments of single releases have no hypothesis (noxfile.py).
with contextlib.suppress(ImportError):
    from hypothesis import settings

    # No deadline: a busy machine is no fault. CI plays the same examples each time; people play others.
    settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
    settings.load_profile("project")
