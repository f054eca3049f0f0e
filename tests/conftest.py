"""An Airflow home of its own for every test run, and a book of the AWS calls that the package makes in it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

import aws_calls

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

TESTS = Path(__file__).parent
# What needs a container engine runs by itself (make test-engine).
ELSEWHERE = ("image", "smoke", "contract/local_cloud")


def pytest_configure() -> None:
    """Keep the book from the first test on."""
    aws_calls.watch_boto3()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put at the end what judges all that was done before."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def whole_suite(request: pytest.FixtureRequest) -> bool:
    """Tell whether this run has every test file that calls AWS, and no test of it was picked by name."""
    options = request.config.option
    named = any("::" in argument for argument in request.config.args)
    picked = named or options.keyword or getattr(options, "lf", False)
    played = {item.path for item in request.session.items}
    wanted = {
        file
        for file in TESTS.rglob("test_*.py")
        if not any(file.is_relative_to(TESTS / folder) for folder in ELSEWHERE)
    }
    return not picked and wanted <= played
