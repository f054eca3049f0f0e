"""``python -m mutation [--seconds N] [MODULE ...]``, as ``make mutate`` calls it.

Each mutant runs in a fork of one process that has imported pytest and other libraries, but nothing of the
package. That takes half a second. A mutant that survives without a reason in ``survivors.py`` is a failure.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.exceptions  # noqa: F401  imported once for all forks
import hypothesis  # noqa: F401  the same
import pytest

from mutation.mutants import Mutant, mutants
from mutation.survivors import SURVIVORS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "executor" / "src" / "airflow_fargate"
TESTS = {
    "tasks.states": (
        "tasks/test_states",
        "tasks/test_registry",
        "tasks/test_registry_adoption",
        "tasks/test_registry_revoking",
    ),
    "tasks.verdict": ("tasks/test_verdict", "aws/test_failures_words"),
    "aws.rate_limiter": ("aws/test_rate_limiter", "test_properties"),
    "aws.failures": ("aws/test_failures", "aws/test_failures_words"),
    "aws.failure_causes": ("aws/test_failures_words",),
    "aws.launch_causes": ("aws/test_failures", "aws/test_failures_words"),
    "aws.start_causes": ("aws/test_failures_words", "tasks/test_verdict"),
    "settings.sizes": ("settings/test_sizes", "settings/test_task_options"),
}
"""Module -> its unit tests."""


def source_of(module: str) -> Path:
    """Return the file of a module of the package (``aws.failures``)."""
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


CPU_SECONDS, KILLED_AFTER = 60, 900.0
"""A mutant that loops is ended by its CPU seconds, so that a busy machine does not end one that would
survive. A mutant that hangs is ended by the clock."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a syntax tree instead of its file."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self._name, self._path, self._tree = name, path, tree

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: Any) -> None:
        exec(compile(ast.fix_missing_locations(self._tree), str(self._path), "exec"), vars(module))  # noqa: S102  the mutant


@dataclass(frozen=True)
class Tried:
    """A mutant, and whether a test failed on it."""

    module: str
    mutant: Mutant
    source: str
    killed: bool

    @property
    def name(self) -> str:
        """Its name in survivors.py: the module, the line's text, the change."""
        return f"{self.module}: {self.source.strip()} | {self.mutant.what}"


def survives(module: str, tree: ast.Module) -> bool:
    """Run the module's tests on a mutant in a fork; return whether all of them passed."""
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        code = 1
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        try:
            sys.meta_path.insert(0, _Finder(f"airflow_fargate.{module}", source_of(module), tree))
            files = [f"tests/unit/{name}.py" for name in TESTS[module]]
            options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:logging"]
            code = int(pytest.main([*options, "--hypothesis-profile=mutation", *files]))
        finally:
            os._exit(code)
    until = time.monotonic() + KILLED_AFTER
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(arguments: Sequence[str]) -> int:
    """Try the mutants; return 1 if one survives without a reason or a module's own tests fail."""
    parser = argparse.ArgumentParser(prog="mutation")
    parser.add_argument("--seconds", type=float, default=600.0, help="when to stop; tries an even sample")
    parser.add_argument("modules", nargs="*", help=", ".join(TESTS))
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    work: list[tuple[str, Mutant, str]] = []
    for module in given.modules or list(TESTS):
        source = source_of(module).read_text(encoding="utf-8")
        if not survives(module, ast.parse(source)):
            print(f"{module}: its tests fail without a change. Fix them first.")
            return 1
        lines = source.splitlines()
        work += [(module, each, lines[each.line - 1]) for each in mutants(source)]
    random.Random(0).shuffle(work)  # noqa: S311  a run that is cut short then covers all modules
    until = time.monotonic() + given.seconds

    def attempt(item: tuple[str, Mutant, str]) -> Tried | None:
        module, mutant, line = item
        if time.monotonic() > until:
            return None
        return Tried(module, mutant, line, killed=not survives(module, mutant.tree))

    # A fork ends without Python's shutdown and leaves its temporary folders, so they go with this one.
    with (
        tempfile.TemporaryDirectory(prefix="airflow-fargate-mutants-") as tempfile.tempdir,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        tried = [each for each in pool.map(attempt, work) if each is not None]
    return _report(tried, len(work))


def _report(tried: list[Tried], total: int) -> int:
    """Print the score of each module and the survivors; return 1 if one has no reason."""
    print("| module | mutants | noticed | known to change nothing | not noticed |\n|---|---:|---:|---:|---:|")
    alive = sorted(
        (each for each in tried if not each.killed), key=lambda each: (each.module, each.mutant.line)
    )
    new = [each for each in alive if each.name not in SURVIVORS]
    every, killed = (
        Counter(each.module for each in tried),
        Counter(each.module for each in tried if each.killed),
    )
    fresh = Counter(each.module for each in new)
    for module in sorted(every):
        known = every[module] - killed[module] - fresh[module]
        print(f"| {module} | {every[module]} | {killed[module]} | {known} | {fresh[module]} |")
    print(f"\n{len(tried)} of {total} mutants were tried.")
    for each in new:
        print(f"line {each.mutant.line}: {each.name}")
    return int(bool(new))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
