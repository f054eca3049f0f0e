"""`make test` runs its steps in lanes and ends with a clear result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import run_steps

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = """
good:
\t@echo fine $(WORD)
bad:
\t@echo reason; exit 3
"""


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a Makefile of two targets."""
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    monkeypatch.setattr(run_steps, "ROOT", tmp_path)
    monkeypatch.setattr(run_steps, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(run_steps, "LOOK_EVERY", 0.01)


def test_all_steps_pass_with_their_variables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It exits with 0, has a table row for each step, and keeps the output in the step's log."""
    assert run_steps.main(["good WORD=weather"]) == 0
    shown = capsys.readouterr().out
    assert "| good | ok |" in shown
    assert "make test passed in" in shown.splitlines()[-1]
    assert (tmp_path / "logs" / "good.log").read_text(encoding="utf-8") == "fine weather\n"


def test_a_failed_step_shows_its_log_and_ends_only_its_lane(capsys: pytest.CaptureFixture[str]) -> None:
    """It exits with 1; the lane's next step does not run, and the other lane runs to its end."""
    assert run_steps.main(["bad, never", "good"]) == 1
    shown = capsys.readouterr().out
    assert "\nreason\n" in shown
    assert "| bad | FAILED |" in shown
    assert "| never | not run | 0 | 0 |" in shown
    assert "| good | ok |" in shown
    assert shown.rstrip().endswith(": bad; never did not run.")


@pytest.mark.parametrize(
    ("written", "at"),
    [("....  [ 45%]\n..", "45 %"), ("first\nlast line \n", "last line"), ("", "")],
)
def test_the_progress_of_a_step_is_pytest_s_percentage_or_its_last_line(written: str, at: str) -> None:
    """The progress is one short text for any output."""
    step = run_steps.Step("good")
    step.log.parent.mkdir()
    step.log.write_text(written, encoding="utf-8")
    assert step.at == at
