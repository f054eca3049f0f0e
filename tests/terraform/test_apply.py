"""Apply, second plan and destroy against an emulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from terraform import emulator, plan_differences

if TYPE_CHECKING:
    from terraform.conftest import Run

pytestmark = pytest.mark.apply


@pytest.fixture
def stack(copied: Path, tmp_path: Path, run: Run) -> Path:
    """Return ``examples/complete`` in a copy of its own, with the provider's local options, initialised."""
    copy = tmp_path / "terraform"
    shutil.copytree(copied, copy, ignore=shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "tests"))
    folder = copy / "examples" / "complete"
    shutil.copy(Path(__file__).with_name("local_override.tf"), folder)
    done = run(folder, "init", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


WATCHED = {"name": "watched", "nat": "none", "observability": True}
PUBLIC = {"name": "public", "nat": "public", "tags": {"cost": "a+b"}}


@pytest.mark.parametrize("variables", [{}, WATCHED, PUBLIC], ids=["defaults", "watched", "public"])
def test_the_stack_comes_stays_and_goes(
    variables: dict[str, object], stack: Path, tmp_path: Path, run: Run
) -> None:
    """Apply succeeds, a second plan changes nothing but the known, and destroy leaves nothing behind."""
    inputs = json.dumps(variables | {"force_destroy": True})
    (stack / "test.auto.tfvars.json").write_text(inputs, encoding="utf-8")
    unasked = ["-auto-approve", "-no-color", "-parallelism=40"]
    with emulator.moto(tmp_path / "moto.log") as url:
        applied = run(stack, "apply", *unasked, AWS_ENDPOINT_URL=url)
        assert applied.returncode == 0, applied.stdout + applied.stderr

        planned = run(stack, "plan", "-no-color", "-out=second.tfplan", AWS_ENDPOINT_URL=url)
        assert planned.returncode == 0, planned.stdout + planned.stderr
        plan = json.loads(run(stack, "show", "-json", "second.tfplan").stdout)
        found = plan_differences.unexpected(plan, plan_differences.known_differences())
        assert [str(difference) for difference in found] == []

        destroyed = run(stack, "destroy", *unasked, AWS_ENDPOINT_URL=url)
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        assert emulator.left_over(url) == {}
