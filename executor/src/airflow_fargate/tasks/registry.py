"""The tasks that this scheduler tracks, and the only code that changes their state.

Owned by the scheduler's thread: no locks, no I/O. Threads send messages in; decisions come back, and the
fleet carries them out. docs/how_it_works.md explains launch ids, rounds and versions with an example.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.tasks import verdict
from airflow_fargate.tasks.index import URGENT, TaskIndex
from airflow_fargate.tasks.launch import Attempt, Launch
from airflow_fargate.tasks.messages import (
    Accepted,
    Decision,
    Delayed,
    Finish,
    LaunchAgain,
    LaunchFailed,
    Message,
    Missing,
    Release,
    Report,
    Seen,
    Stop,
    Waiting,
)
from airflow_fargate.tasks.states import Move, State, TrackedTask, after
from airflow_fargate.tasks.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from airflow_fargate.aws.ecs_task import EcsTask

STANDBY = "standby"
"""What stands in a standby's ``startedBy`` instead of a launch id, so that one call lists them all."""
MISSING_GRACE = 120.0
"""Seconds. DescribeTasks is eventually consistent: a new task can be missing without being lost."""

_ALIVE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")
_UNWANTED = "Airflow no longer wants this task"


class Registry:
    """The tracked tasks.

    Args:
        container_name: the container whose exit code decides the outcome.
        deployment: the prefix of ``startedBy`` in this deployment.
        clock: returns monotonic seconds.
    """

    def __init__(self, container_name: str, deployment: str, clock: Callable[[], float]) -> None:
        self._container_name = container_name
        self._prefix = f"{deployment}/"
        self._clock = clock
        self._index = TaskIndex()

    def __len__(self) -> int:
        return len(self._index.by_launch)

    def __iter__(self) -> Iterator[TrackedTask]:
        return iter(list(self._index.by_launch.values()))

    def __repr__(self) -> str:
        counts = {state.name: 0 for state in State}
        for task in self._index.by_launch.values():
            counts[task.state.name] += 1
        return f"<Registry {' '.join(f'{name}={count}' for name, count in counts.items() if count)}>"

    def get(self, key: Hashable) -> TrackedTask | None:
        """Return the task of this key, or None."""
        return self._index.by_key.get(key)

    def tracks(self, ecs_task: EcsTask) -> bool:
        """Return whether this is one of the tracked tasks. The only method that other threads may call."""
        found = self._index.find(ecs_task.arn, self.launch_id(ecs_task))
        return found is not None or self._index.has_ended(ecs_task.arn)

    def is_news(self, ecs_task: EcsTask) -> bool:
        """Return whether this description of a tracked task is newer than what is known."""
        task = self._index.find(ecs_task.arn, self.launch_id(ecs_task))
        return task is not None and (not task.arn or ecs_task.version > task.version)

    def is_from_this_deployment(self, ecs_task: EcsTask) -> bool:
        """Return whether a scheduler of this deployment may track the task.

        Nobody tracks a standby that has no task: while it runs that is not known, and not news to its owner.
        """
        if ecs_task.started_by != self._prefix + STANDBY:
            return bool(self.launch_id(ecs_task))
        ours = ecs_task.container(self._container_name)
        code = ours.exit_code if ours is not None else None
        return code != ExitCode.NOT_USED and (code is not None or ecs_task.stopped)

    def started_by(self, launch_id: str) -> str:
        """Return the ``startedBy`` of a launch id."""
        return f"{self._prefix}{launch_id}"

    def launch_id(self, ecs_task: EcsTask) -> str:
        """Return the launch id in a task's ``startedBy``; empty for other tasks, and standbys."""
        prefix, _, launch_id = ecs_task.started_by.rpartition("/")
        return launch_id if f"{prefix}/" == self._prefix and launch_id != STANDBY else ""

    # --- in ------------------------------------------------------------------------------------------------

    def launch(self, launch: Launch, deadline: float) -> Attempt:
        """Start tracking a workload; return its first attempt."""
        attempt = Attempt(launch, number=0, capacity=0, deadline=deadline)
        task = TrackedTask(launch.key, launch.launch_id, State.LAUNCHING, attempt, subject=launch.subject)
        self._index.add(task, self._clock())
        return attempt

    def supersede(self, subject: Hashable, key: Hashable) -> list[Decision]:
        """Revoke an earlier try of a task instance, because Airflow queued a later one.

        The earlier try may still be waiting for capacity, or its container may still run although Airflow
        gave it up. Both would run, and Airflow would take the end of the first for the end of the second.
        """
        task = self._index.by_subject.get(subject)
        if task is None or task.key == key or task.revoked:
            return []
        return [Release(task.key), *self.revoke(task.key, "Airflow has queued a later try of this task")]

    def adopt(  # noqa: PLR0913, PLR0917  one argument per fact
        self,
        key: Hashable,
        launch_id: str,
        arn: str,
        launch: Launch | None,
        deadline: float,
        subject: Hashable = None,
        unlaunchable: str = "",
    ) -> None:
        """Start tracking a task that another scheduler launched.

        Args:
            key: Airflow's key.
            launch_id: its launch id; the ARN if only that is known.
            arn: its ARN; empty if the task has to be searched for by launch id.
            launch: what to launch if no container is found; None if it must not be launched.
            deadline: monotonic seconds after which it is not launched again.
            subject: the same for every try of the task instance; the key by default.
            unlaunchable: why there is no launch although the task is queued; reported if no container is
                found.
        """
        attempt = Attempt(launch, number=0, capacity=0, deadline=deadline) if launch is not None else None
        task = TrackedTask(key, launch_id, State.SOUGHT, attempt, arn=arn, unlaunchable=unlaunchable)
        task.subject = key if subject is None else subject
        self._index.add(task, URGENT)

    def apply(self, message: Message) -> list[Decision]:  # noqa: PLR0911  one for each kind of message
        """Apply one message; return the decisions. Messages about unknown tasks are ignored."""
        if isinstance(message, Accepted):
            return self._answered(message)
        if isinstance(message, Seen):
            return self._seen(message.ecs_task)
        if isinstance(message, Missing):
            return self._missing(self._index.by_arn.get(message.arn))
        task = self._index.by_launch.get(message.launch_id)
        if task is None:
            return []
        if isinstance(message, LaunchFailed):
            return self._refused(task, message)
        if isinstance(message, Delayed):
            return [Waiting(task.key, message.sentence)] if self._is_current(task) else []
        return self._not_found(task)

    def revoke(self, key: Hashable, reason: str) -> list[Decision]:
        """Stop a task's container, now or once its ARN is known, and do not report its end."""
        task = self._index.by_key.pop(key, None)
        if task is None:
            return []
        task.revoked = True
        if task.attempt is not None:
            task.attempt.launch.cancelled = True
        return [Stop(task.arn, reason)] if task.arn else []

    def disown(self, key: Hashable) -> None:
        """Stop tracking a task that another scheduler adopted; its container now belongs to that one."""
        task = self._index.by_key.get(key)
        if task is None:
            return
        if task.attempt is not None:
            task.attempt.launch.cancelled = task.attempt.launch.adopted_elsewhere = True
        self._index.remove(task, ended=False)

    # --- out -----------------------------------------------------------------------------------------------

    def has_urgent(self) -> bool:
        """Return whether some task must be described immediately, such as a newly adopted one."""
        first = self._index.least_recent()
        return first is not None and first.touched_at == URGENT

    def stale(self, seconds: float, limit: int) -> list[TrackedTask]:
        """Return up to ``limit`` tasks without a message for ``seconds``, and mark them as touched now."""
        now = self._clock()
        found: list[TrackedTask] = []
        while len(found) < limit and (task := self._index.least_recent()) is not None:
            if now - task.touched_at < seconds:
                break
            self._index.touch(task, now)
            # A task that is being launched has no ARN yet; the launcher reports on it.
            if task.state is not State.LAUNCHING:
                found.append(task)
        return found

    # --- changes -------------------------------------------------------------------------------------------

    def _seen(self, ecs_task: EcsTask) -> list[Decision]:
        task = self._index.find(ecs_task.arn, self.launch_id(ecs_task))
        if task is None or ecs_task.arn in task.earlier_arns:
            return []
        if not task.arn or task.state is State.SOUGHT:
            return self._accepted(task, ecs_task)
        if task.arn != ecs_task.arn:
            # Two containers for one launch id: AWS ignored the clientToken, or somebody copied a request. The
            # one that we know continues.
            return [] if ecs_task.stopped else [Stop(ecs_task.arn, "a second container for the same launch")]
        first: list[Decision] = [Stop(task.arn, _UNWANTED)] if self._runs_after_stop(task, ecs_task) else []
        return first + self._take(task, ecs_task)

    def _answered(self, message: Accepted) -> list[Decision]:
        task, ecs_task, attempt = (
            self._index.by_launch.get(message.launch_id),
            message.ecs_task,
            message.attempt,
        )
        if task is None:
            # It ended already, if its events arrived before the answer; or another scheduler adopted it.
            return []
        if attempt is not None and task.attempt is not None and attempt.round == task.attempt.round:
            if ecs_task.arn in task.earlier_arns and task.state is State.LAUNCHING:
                # The previous scheduler used this token, for a task that stopped before it ran.
                task.attempt = attempt.next_round(attempt.capacity)
                return [LaunchAgain(task.attempt, "its clientToken belongs to a task that has stopped")]
            task.attempt = attempt  # It knows how far down the capacity chain the launch went.
        if (
            attempt is None
            and task.attempt is None
            and ecs_task.arn in task.earlier_arns
            and ecs_task.stopped
        ):
            # The second search found no other container, so this one's end is the task's end.
            return self._end(task, Move.STOPPED, verdict.judge(ecs_task, self._container_name))
        decisions = self._accepted(task, _without_verdict(ecs_task))
        if not ecs_task.containers and task.arn == ecs_task.arn:
            # A repeated launch returns only the ARN, so describe the task now.
            self._index.touch(task, URGENT)
        return decisions

    def _accepted(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        if ecs_task.arn in task.earlier_arns:
            return []
        if task.arn == ecs_task.arn and task.state is not State.SOUGHT:
            return self._take(task, ecs_task)
        if task.arn and task.arn != ecs_task.arn:
            return [] if ecs_task.stopped else [Stop(ecs_task.arn, "a second container for the same launch")]
        self._index.set_arn(task, ecs_task.arn, self.launch_id(ecs_task))
        first: list[Decision] = []
        if task.revoked and not ecs_task.stopped:
            first = [Stop(ecs_task.arn, _UNWANTED)]
        elif self._is_current(task):
            first = [Report(task.key, task.arn)]
        return first + self._take(task, ecs_task)

    def _take(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        self._index.touch(task, self._clock())
        task.missing_since = None
        if ecs_task.version and ecs_task.version < task.version:
            return []
        task.version = max(task.version, ecs_task.version)
        if ecs_task.decided(self._container_name):
            return self._stopped(task, ecs_task)
        if ecs_task.ran:
            task.state = after(task.state, Move.RUNS)
            task.attempt = None  # It holds the payload, which takes the most memory.
        else:
            task.state = after(task.state, Move.PENDING)
        return []

    def _runs_after_stop(self, task: TrackedTask, ecs_task: EcsTask) -> bool:
        """Return whether a revoked task still runs, because StopTask failed or came too early."""
        return task.revoked and ecs_task.arn == task.arn and ecs_task.last_status in _ALIVE

    def _stopped(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        judged = verdict.judge(ecs_task, self._container_name)
        attempt = task.attempt
        again = judged.outcome is Outcome.LAUNCH_AGAIN and self._is_current(task)
        if again and attempt is not None and self._clock() < attempt.deadline:
            task.state = after(task.state, Move.LAUNCH_AGAIN)
            self._index.drop_arn(task)
            task.attempt = attempt.next_round(attempt.capacity + 1)
            return [LaunchAgain(task.attempt, str(judged.diagnosis))]
        if again and self._may_have_been_launched_again(task, ecs_task):
            task.state = after(task.state, Move.SEEK)
            self._index.drop_arn(task)
            self._index.touch(task, URGENT)
            return []
        if again and attempt is not None:
            judged = verdict.gave_up(judged, containers=attempt.round + 1)
        return self._end(task, Move.STOPPED, judged)

    def _may_have_been_launched_again(self, task: TrackedTask, ecs_task: EcsTask) -> bool:
        """Return whether a dead scheduler may have launched an adopted task again before Airflow knew.

        Checked once for each task that was adopted by its ARN.
        """
        adopted = task.attempt is None and task.state is not State.RUNNING
        return adopted and not task.earlier_arns and task.launch_id == self.launch_id(ecs_task)

    def _refused(self, task: TrackedTask, message: LaunchFailed) -> list[Decision]:
        later = task.attempt is not None and task.attempt.round > message.round
        if later or task.state is not State.LAUNCHING:
            # A repeat of a launch whose task was seen meanwhile: its event arrived before the answer.
            return []
        return self._end(task, Move.REFUSED, verdict.launch_failed(message.sentence))

    def _missing(self, task: TrackedTask | None) -> list[Decision]:
        if task is None:
            return []
        now = self._clock()
        if task.missing_since is None:
            task.missing_since = now
        if now - task.missing_since < MISSING_GRACE:
            return []
        return self._end(task, Move.LOST, verdict.lost(task.arn, now - task.missing_since))

    def _not_found(self, task: TrackedTask) -> list[Decision]:
        if task.state is not State.SOUGHT:
            return []
        if task.attempt is not None and self._is_current(task):
            # The previous scheduler ended before it launched the task. If the search missed a container, AWS
            # returns that container for its clientToken instead of starting a second one.
            task.state = after(task.state, Move.LAUNCH_AGAIN)
            return [LaunchAgain(task.attempt, "the previous scheduler ended before it launched this task")]
        if task.unlaunchable:
            return self._end(task, Move.REFUSED, verdict.launch_failed(task.unlaunchable))
        if task.missing_since is None:
            task.missing_since = self._clock()
        if self._clock() - task.missing_since < MISSING_GRACE:
            return []
        # Airflow has it as running, but the cluster has no such container: the id is another executor's, or
        # ECS's record has expired. Airflow notices from its heartbeat whether it lives.
        released: list[Decision] = [Release(task.key)] if self._is_current(task) else []
        task.state = after(task.state, Move.LOST)
        self._index.remove(task)
        return released

    def _end(self, task: TrackedTask, move: Move, judged: Verdict) -> list[Decision]:
        task.state = after(task.state, move)
        notices: list[Decision] = []
        if self._is_current(task):
            notices = [Finish(task.key, judged)]
        elif task.revoked and judged.explains_itself:
            # Airflow 2.11 fails a task as soon as its process is gone, so the reason comes a little later.
            notices = [Finish(task.key, judged, is_known=True)]
        self._index.remove(task)
        return notices

    def _is_current(self, task: TrackedTask) -> bool:
        """Return whether the task's key still stands for this launch.

        It does not after a revoke, nor after Airflow queued the key again: a deferred task resumes under the
        same key, possibly before its first container has ended.
        """
        return self._index.by_key.get(task.key) is task


def _without_verdict(ecs_task: EcsTask) -> EcsTask:
    """Return the answer to a repeated launch without its end: ECS says STOPPED there, but not why."""
    if ecs_task.stopped and not ecs_task.containers:
        return replace(ecs_task, last_status="DEPROVISIONING")
    return ecs_task
