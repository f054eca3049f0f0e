"""The examples of the pages are run as they stand there."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from airflow_fargate.cli import render
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import read_config
from airflow_fargate.settings.task_options import NAMES
from airflow_fargate.testing import SECTION, run_task_request

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def my_company(tmp_path, monkeypatch):
    """The worked example of docs/request_function.md, importable; returns its test module."""
    module, test = blocks(ROOT / "docs" / "request_function.md", "python")
    (tmp_path / "my_company").mkdir()
    (tmp_path / "my_company" / "airflow.py").write_text(module)
    (tmp_path / "test_fargate_request.py").write_text(test)
    monkeypatch.syspath_prepend(tmp_path)
    spec = importlib.util.spec_from_file_location(
        "test_fargate_request", tmp_path / "test_fargate_request.py"
    )
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    yield loaded
    for name in [name for name in sys.modules if name.split(".")[0] == "my_company"]:
        del sys.modules[name]


def test_the_worked_example_passes_its_own_test(my_company) -> None:
    """The hook and its tests, word for word as they stand on the page."""
    tests = {name: each for name, each in vars(my_company).items() if name.startswith("test_")}

    assert len(tests) == 3
    for each in tests.values():
        each()


def test_render_runs_the_hook_that_is_named(my_company, monkeypatch, capsys) -> None:
    """`airflow fargate render --hook` prints its request, without any configured function."""
    section = {**SECTION, "cluster": "airflow"}
    config = read_config(section, section.get)
    monkeypatch.setattr(render, "open_session", lambda _: Session(config, None))
    nothing = dict.fromkeys(("dag_id", "task_id", "run_id", "executor_config", "queue"))

    code = render.main(Namespace(**nothing, map_index=-1, hook="my_company.airflow.fargate_request"))

    request = json.loads(capsys.readouterr().out)
    assert code == 0
    assert request["taskDefinition"] == "airflow-worker-with-traces"


def test_render_says_what_is_wrong_with_the_hook(monkeypatch, capsys) -> None:
    """A path that cannot be imported: exit code 1 and a sentence that names it."""
    config = read_config(SECTION, SECTION.get)
    monkeypatch.setattr(render, "open_session", lambda _: Session(config, None))
    nothing = dict.fromkeys(("dag_id", "task_id", "run_id", "executor_config", "queue"))

    code = render.main(Namespace(**nothing, map_index=-1, hook="no.such.function"))

    assert code == 1
    assert "no.such.function" in capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_of_a_page_is_python(page) -> None:
    """Every block compiles, and every executor_config in it is one that a task may have."""
    for block in blocks(page, "python"):
        tree = ast.parse(block)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "executor_config"
                and isinstance(node.value, ast.Dict)
            ):
                run_task_request(executor_config=ast.literal_eval(node.value))


def test_the_keys_of_task_options_are_all_documented_with_an_example_that_works() -> None:
    """The table of docs/task_options.md has every key, and its examples are taken."""
    page = (ROOT / "docs" / "task_options.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| `(.*)` \|$", page, re.MULTILINE)

    assert {name for name, _ in rows} == set(NAMES)
    for name, text in rows:
        run_task_request(executor_config={name: ast.literal_eval(text)})


def test_the_quick_start_shows_the_dag_of_the_example() -> None:
    """The DAG on the page is worker_image/examples/baked_dags/dags/hello.py."""
    file = ROOT / "worker_image" / "examples" / "baked_dags" / "dags" / "hello.py"
    example = file.read_text(encoding="utf-8")
    code = ast.unparse(ast.parse(example).body[1:])

    shown = [
        ast.unparse(ast.parse(block).body) for block in blocks(ROOT / "docs" / "quick_start.md", "python")
    ]

    assert code in shown
