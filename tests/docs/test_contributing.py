"""CONTRIBUTING.md and tests/README.md name files and targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "executor" / "src" / "airflow_fargate"
PAGES = {"CONTRIBUTING.md": (ROOT, PACKAGE), "tests/README.md": (ROOT, ROOT / "tests", PACKAGE)}
PATH = re.compile(r"`(?:\.venv/bin/\w+ )?([\w./*-]+(?:/|\.\w+))`")


def table_rows(page: str) -> list[str]:
    """Return the rows of the page's tables."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| To ")]


def exists(path: str, folders: tuple[Path, ...]) -> bool:
    """Return whether one of the folders has the path, which may be a pattern."""
    return any(list(folder.glob(path.rstrip("/"))) for folder in folders)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_a_page_exists(page: str) -> None:
    """A file that moves takes its name in the page along."""
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    generated = {".venv/", ".in"}
    assert len(named) > 20
    assert [path for path in named if path not in generated and not exists(path, PAGES[page])] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_in_a_page_exists(page: str) -> None:
    """`make TARGET` names a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    calls = re.findall(r"`make ([a-z0-9 -]+)", (ROOT / page).read_text(encoding="utf-8"))
    named = {word for call in calls for word in call.split()}
    assert named
    assert named - targets == set()


def test_every_folder_of_tests_is_described() -> None:
    """tests/README.md has a row for each folder, so that a new one is explained."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] not in "._"}
    described = set(re.findall(r"`(\w+)/", (ROOT / "tests" / "README.md").read_text(encoding="utf-8")))
    assert folders - described == set()


@pytest.mark.parametrize(
    ("change", "file"),
    [
        ("an option of `[fargate]`", "settings/options.py"),
        ("a stop reason of ECS", "aws/start_causes.py"),
        ("a metric", "metrics.py"),
        ("a column or command of `airflow fargate`", "cli/tasks.py"),
        ("a container size", "settings/sizes.py"),
        ("support for an Airflow release", "airflow_versions/releases.py"),
        ("a field of a task state change event", "aws/ecs_task.py"),
        ("a Terraform input", "terraform/variables.tf"),
        ("an exit code of the worker", "exit_codes.py"),
        ("a fault scenario", "tests/chaos/ending.py"),
    ],
)
def test_a_typical_change_names_its_file(change: str, file: str) -> None:
    """For ten typical changes, CONTRIBUTING.md names the file to edit."""
    (row,) = [row for row in table_rows("CONTRIBUTING.md") if row.startswith(f"| {change} |")]
    assert f"`{file}`" in row
