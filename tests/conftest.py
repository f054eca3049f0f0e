"""A separate Airflow home for every test run, and a record of the package's AWS calls."""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import random
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import JSONFileLoader

import aws_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Airflow reads these when it is imported, so set them before a test imports it.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-fargate-tests-")
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "0123456789abcdef" * 4

# The environments of single releases have no hypothesis (noxfile.py).
with contextlib.suppress(ImportError):
    import hypothesis_profiles

    hypothesis_profiles.register()

TESTS = Path(__file__).parent
# Tests that need a container engine run separately (make test-engine).
ELSEWHERE = ("image/", "smoke/", "contract/local_cloud/")
# The slowest files (pytest --durations).
LONGEST = (
    "terraform/test_examples.py",
    "terraform/test_static.py",
    "benchmarks/test_quick.py",
    "unit/worker/test_run_task.py",
    "soak/test_quick.py",
)
RUN_BY_THEMSELVES = ("engine", "last", "apply")


_played: set[str] = set()
_left_out: list[pytest.Item] = []
"""Tests that -k or -m deselected."""


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    """Fail a test that leaves signals blocked or garbage collection off, for all tests after it."""
    yield
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    collects = gc.isenabled()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    gc.enable()
    assert (blocked, collects) == (set(), True), "the test changed its process, and did not change it back"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addoption(
        "--aws-calls",
        type=Path,
        metavar="FOLDER",
        help="folder for each process's AWS calls; tests marked `last` check all of them",
    )
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in a random order")


def pytest_configure() -> None:
    """Record AWS calls from the first test on, and parse each of botocore's models once.

    moto drops boto3's session around every test, and its models with it. EC2's model alone takes 0.2 s to
    parse.
    """
    aws_calls.watch_boto3()
    read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))
    JSONFileLoader.load_file = lambda _, path: read(path)


def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection, because moto runs one around every test."""
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the slowest tests, so that no worker ends late; end with the test that checks all others."""
    shuffle = config.option.shuffle
    if shuffle is not None:
        random.Random(shuffle).shuffle(items)  # noqa: S311  repeatable on purpose

    def place(item: pytest.Item) -> tuple[bool, int]:
        file = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
        slow = LONGEST.index(file) if shuffle is None and file in LONGEST else len(LONGEST)
        return item.get_closest_marker("last") is not None, slow

    items.sort(key=place)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note the deselected tests, except those that run separately."""
    _left_out.extend(item for item in items if not any(map(item.get_closest_marker, RUN_BY_THEMSELVES)))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[Any]:
    """Escape lone surrogates in a test's log: they would end the process that sends the report."""
    return _sendable((yield))


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_sendable(key): _sendable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_sendable, value))
    return value


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Note which files ran."""
    _played.add(item.path.relative_to(TESTS).as_posix())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write this process's part, for the process that checks all parts."""
    folder = session.config.option.aws_calls
    if folder is None or not _played:  # the process that only distributes tests runs none
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = {**aws_calls.BOOK.as_json(), "files": sorted(_played), "whole": _is_whole(session.config)}
    path = folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.json"
    path.write_text(json.dumps(part), encoding="utf-8")


def _is_whole(config: pytest.Config) -> bool:
    named = any("::" in argument for argument in config.args)
    return not named and not _left_out


@pytest.fixture(scope="session")
def whole_suite(request: pytest.FixtureRequest) -> bool:
    """Return whether all tests that call AWS ran.

    With ``--aws-calls``, read the records of the other processes.
    """
    folder, played, whole = request.config.option.aws_calls, _played, _is_whole(request.config)
    if folder is not None:
        parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted(folder.glob("*.json"))]
        for part in parts:
            aws_calls.BOOK.add(part)
        played = played.union(*(part["files"] for part in parts))
        whole = all(part["whole"] for part in parts)
    wanted = {file.relative_to(TESTS).as_posix() for file in TESTS.rglob("test_*.py")}
    return whole and {file for file in wanted if not file.startswith(ELSEWHERE)} <= played
