"""Runs steps that depend on each other in parallel; the first failure stops all others."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smoke.progress import Progress

T = TypeVar("T")
_PENDING = object()


@dataclass(eq=False)
class Step(Generic[T]):
    """One step: its name, the steps it needs, and what it does.

    ``value`` is what ``act`` returned. Reading it before the step has ended is a bug in the plan.
    """

    name: str
    act: Callable[[], T]
    needs: Sequence[Step[Any]] = ()
    result: object = field(default=_PENDING, repr=False)
    error: BaseException | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it has a result."""
        return self.result is not _PENDING

    @property
    def value(self) -> T:
        """The result of the step."""
        if not self.has_ended:
            raise LookupError(f"step {self.name!r} has not ended: add it to needs")
        return cast("T", self.result)


@dataclass
class Plan:
    """The steps of a run, in the order they were added.

    Args:
        progress: prints starts, ends and times.
        stop: set on failure and by signals; ends running programs.
        watch: called a few times a second while steps run; raises if a service died.
    """

    progress: Progress
    stop: threading.Event
    watch: Callable[[], None]
    steps: list[Step[Any]] = field(default_factory=list)

    def add(self, name: str, act: Callable[[], T], needs: Sequence[Step[Any]] = ()) -> Step[T]:
        """Add a step; it starts when all steps in ``needs`` have ended."""
        step = Step(name, act, needs)
        self.steps.append(step)
        return step

    def run(self) -> None:
        """Run all steps added since the last run.

        Raises:
            SmokeError: the first failure, once the other running steps have stopped.
        """
        waiting = [step for step in self.steps if not step.has_ended]
        running: dict[Step[Any], threading.Thread] = {}
        failure: BaseException | None = None
        while running or (waiting and failure is None):
            if failure is None:
                for step in [step for step in waiting if all(need.has_ended for need in step.needs)]:
                    waiting.remove(step)
                    running[step] = threading.Thread(
                        target=self._act, args=(step,), name=step.name, daemon=True
                    )
                    running[step].start()
            for step, thread in list(running.items()):
                thread.join(0.05 / len(running))
                if not thread.is_alive():
                    del running[step]
                    failure = _worse(failure, step.error)
            failure = failure or self._trouble()
            if failure is not None:
                self.stop.set()
            self.progress.tick()
        if failure is not None:
            raise failure

    def _trouble(self) -> BaseException | None:
        if self.stop.is_set():
            return StoppedError("interrupted")
        try:
            self.watch()
        except SmokeError as error:
            return error
        return None

    def _act(self, step: Step[Any]) -> None:
        self.progress.begin(step.name)
        try:
            step.result = step.act()
        except StoppedError as error:
            step.error = error
            self.progress.end(step.name, "stopped")
        except SmokeError as error:
            step.error = error
            self.progress.end(step.name, "FAILED")
        except BaseException as error:  # noqa: BLE001  # a bug in the smoke: report it, and clean up
            step.error = SmokeError(
                f"step {step.name!r} failed with a bug: {error!r}.", traceback.format_exc()
            )
            self.progress.end(step.name, "FAILED")
        else:
            self.progress.end(step.name)


def _worse(first: BaseException | None, second: BaseException | None) -> BaseException | None:
    """Return the error to report: a step that was stopped is only a consequence."""
    if first is None or (isinstance(first, StoppedError) and second is not None):
        return second
    return first
