"""The simulated engine: no containers, only lives played on a clock."""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import TYPE_CHECKING

from local_cloud.clock import ManualClock
from local_cloud.ecs.definitions import DEFAULT_STOP_TIMEOUT
from local_cloud.ecs.lifecycle import RANK, RUNNING, STOPPED
from local_cloud.simulated.behaviour import Behaviour, Step, end_of, life_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.clock import Clock, Timer
    from local_cloud.ecs.definitions import TaskDefinition
    from local_cloud.ecs.engine import Progress
    from local_cloud.ecs.records import Task

    Choose = Callable[[Task], "Behaviour | None"]
    Plan = Callable[[Task, "_Life"], tuple[Step, ...]]


KILLED = 137


class SimulatedEngine:
    """Plays each task's behaviour: the one `next_behaviours` holds, else what `choose` says, else `default`.

    All three may be changed at any time; they count for tasks launched after. The clock is the plane's: give
    the same one to both, or none to either. Everything follows from the seed.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        default: Behaviour | None = None,
        choose: Choose | None = None,
        seed: int = 0,
    ) -> None:
        self.clock: Clock = clock if clock is not None else ManualClock()
        self.default = default if default is not None else Behaviour()
        self.choose = choose
        self.next_behaviours: deque[Behaviour] = deque()
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._plane: Progress | None = None
        self._lives: dict[str, _Life] = {}
        self._lock = threading.RLock()

    def bind(self, plane: Progress) -> None:
        """See Engine."""
        self._plane = plane

    def launch(self, task: Task, definition: TaskDefinition) -> None:
        """See Engine."""
        behaviour = self._behaviour(task)
        timeout = max((item.stop_timeout for item in definition.containers), default=DEFAULT_STOP_TIMEOUT)
        with self._lock:
            life = self._lives[task.arn] = _Life(behaviour, timeout)
            self._play(task.arn, life, life_of(task, behaviour, self._random))

    def stop(self, task: Task) -> None:
        """See Engine."""

        def steps(now: Task, life: _Life) -> tuple[Step, ...]:
            return end_of(now, life.behaviour, self._random, life.stop_timeout)

        self._change_plan(task.arn, steps)

    def kill(self, task: Task, container: str) -> None:
        """See Engine; a container of a simulated task takes the whole task with it."""
        self.exit_now(task.arn, exit_code=KILLED)

    def exit_now(self, arn: str, exit_code: int = 0) -> None:
        """End a running task as if its container had just exited; a test's own moment for it.

        Raises KeyError for a task that is not living.
        """

        def steps(now: Task, _life: _Life) -> tuple[Step, ...]:
            whole = life_of(now, Behaviour(exit_code=exit_code, run=0.0), self._random)
            return tuple(step for step in whole if RANK[step.change.status or RUNNING] > RANK[RUNNING])

        if arn not in self._lives:
            raise KeyError(arn)
        self._change_plan(arn, steps)

    def close(self) -> None:
        """See Engine."""
        with self._lock:
            for life in self._lives.values():
                life.timer.cancel()
            self._lives.clear()

    def _behaviour(self, task: Task) -> Behaviour:
        if self.next_behaviours:
            return self.next_behaviours.popleft()
        chosen = self.choose(task) if self.choose is not None else None
        return chosen if chosen is not None else self.default

    @property
    def _bound(self) -> Progress:
        if self._plane is None:
            raise RuntimeError("the engine is bound to no task plane")
        return self._plane

    def _change_plan(self, arn: str, plan: Plan) -> None:
        """Drop what was to come and play what `plan` says, from the state the task then is in.

        Planned among the clock's own calls: a step that is under way in another thread has been told by then.
        """
        with self._lock:
            life = self._lives.get(arn)
            if life is None:
                return
            life.timer.cancel()
            turn = life.next_turn()
            life.timer = self.clock.call_later(0.0, lambda: self._replan(arn, life, turn, plan))

    def _replan(self, arn: str, life: _Life, turn: int, plan: Plan) -> None:
        task = self._bound.task(arn)
        with self._lock:
            if task is not None and life.turn == turn:
                self._play(arn, life, plan(task, life))

    def _play(self, arn: str, life: _Life, steps: tuple[Step, ...]) -> None:
        if not steps:
            return
        first, rest = steps[0], steps[1:]
        turn = life.next_turn()
        life.timer = self.clock.call_later(first.delay, lambda: self._step(arn, life, turn, first, rest))

    def _step(self, arn: str, life: _Life, turn: int, step: Step, rest: tuple[Step, ...]) -> None:
        with self._lock:
            if life.turn != turn or self._lives.get(arn) is not life:
                return
            if step.change.status == STOPPED:
                del self._lives[arn]
            self._play(arn, life, rest)
        self._bound.progress(arn, step.change)


class _Life:
    """One task being played. `turn` counts its plans: a call that was made for an older one does nothing."""

    __slots__ = ("behaviour", "stop_timeout", "timer", "turn")

    def __init__(self, behaviour: Behaviour, stop_timeout: float) -> None:
        self.behaviour = behaviour
        self.stop_timeout = stop_timeout
        self.turn = 0
        self.timer: Timer

    def next_turn(self) -> int:
        """Begin a new plan; returns its number."""
        self.turn += 1
        return self.turn
