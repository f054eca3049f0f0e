"""Every task that is ours, and the only code that changes what we know of one.

Owned by the scheduler's thread: no locks, no I/O. What the threads learn arrives as messages; what is to be
done comes back as decisions, which the executor carries out.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_fargate.tasks import verdict
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

MISSING_GRACE = 120.0
"""Seconds. DescribeTasks is eventually consistent: a young task can be absent without being lost."""

_ALIVE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")
_UNWANTED = "Airflow no longer wants this task"

_REMEMBERED = 10_000
"""Ended tasks whose ARNs are kept, about 2 MB: late and repeated events are recognised by them."""


class Registry:
    """The tasks.

    Args:
        container_name: the container whose exit code decides.
        deployment: the prefix of our tasks' startedBy.
        clock: returns monotonic seconds.
    """

    def __init__(self, container_name: str, deployment: str, clock: Callable[[], float]) -> None:
        self._container_name = container_name
        self._prefix = f"{deployment}/"
        self._clock = clock
        self._by_launch: dict[str, TrackedTask] = {}
        self._by_key: dict[Hashable, TrackedTask] = {}
        self._by_arn: dict[str, TrackedTask] = {}
        # The latest try of each task instance.
        self._by_subject: dict[Hashable, TrackedTask] = {}
        # In the order in which they were last heard of: the silent ones are at the front.
        self._touched: OrderedDict[str, None] = OrderedDict()
        # ARNs of tasks that ended lately: what is still said of them is no stranger's.
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_launch)

    def __iter__(self) -> Iterator[TrackedTask]:
        return iter(list(self._by_launch.values()))

    def __repr__(self) -> str:
        counts = {state.name: 0 for state in State}
        for task in self._by_launch.values():
            counts[task.state.name] += 1
        return f"<Registry {' '.join(f'{name}={count}' for name, count in counts.items() if count)}>"

    def get(self, key: Hashable) -> TrackedTask | None:
        """Return the task of this key, or None."""
        return self._by_key.get(key)

    def tracks(self, ecs_task: EcsTask) -> bool:
        """Say whether a change is about one of our tasks; the one method that other threads may call."""
        return (
            ecs_task.arn in self._by_arn
            or self.launch_id(ecs_task) in self._by_launch
            or ecs_task.arn in self._ended
        )

    def is_news(self, ecs_task: EcsTask) -> bool:
        """Say whether a change tells more of one of our tasks than is known."""
        task = self._by_arn.get(ecs_task.arn) or self._by_launch.get(self.launch_id(ecs_task))
        return task is not None and (not task.arn or ecs_task.version > task.version)

    def is_from_this_deployment(self, ecs_task: EcsTask) -> bool:
        """Say whether a change is about a task of our deployment, whichever scheduler launched it."""
        return bool(self.launch_id(ecs_task))

    def started_by(self, launch_id: str) -> str:
        """Return the startedBy of a launch id."""
        return f"{self._prefix}{launch_id}"

    def launch_id(self, ecs_task: EcsTask) -> str:
        """Return the launch id that a task's startedBy carries; empty for another deployment's tasks."""
        return (
            ecs_task.started_by.removeprefix(self._prefix)
            if ecs_task.started_by.startswith(self._prefix)
            else ""
        )

    # --- in ------------------------------------------------------------------------------------------------

    def launch(self, launch: Launch, deadline: float) -> Attempt:
        """Begin to track a workload; return its first attempt."""
        attempt = Attempt(launch, number=0, capacity=0, deadline=deadline)
        self._track(
            TrackedTask(launch.key, launch.launch_id, State.LAUNCHING, attempt, subject=launch.subject)
        )
        return attempt

    def supersede(self, subject: Hashable, key: Hashable) -> list[Decision]:
        """Let go of an earlier try of a task instance: Airflow has queued a later one.

        The earlier one may still wait for capacity, or its container may run although Airflow has given it
        up: then both would run, and what is told of the first would be taken for the second.
        """
        task = self._by_subject.get(subject)
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
        """Take over a task that another scheduler launched.

        Args:
            key: Airflow's key.
            launch_id: its launch id; when only the ARN is known, the ARN stands in for it.
            arn: its ARN, empty when it is to be looked for by its launch id.
            launch: what to launch when it turns out that it never was; None when that must not happen.
            deadline: monotonic seconds after which it is not launched again.
            subject: the same for every try of the task instance; the key when left out.
            unlaunchable: why there is no launch although it is queued; told when no container is found.
        """
        attempt = Attempt(launch, number=0, capacity=0, deadline=deadline) if launch is not None else None
        task = TrackedTask(key, launch_id, State.SOUGHT, attempt, arn=arn, unlaunchable=unlaunchable)
        task.subject = key if subject is None else subject
        self._track(task)

    def apply(self, message: Message) -> list[Decision]:  # noqa: PLR0911  one for each kind of message
        """Take in one message; return what is to be done. What is not about our tasks is nothing."""
        if isinstance(message, Accepted):
            return self._answered(message)
        if isinstance(message, Seen):
            return self._seen(message.ecs_task)
        if isinstance(message, Missing):
            return self._missing(self._by_arn.get(message.arn))
        task = self._by_launch.get(message.launch_id)
        if task is None:
            return []
        if isinstance(message, LaunchFailed):
            return self._refused(task, message)
        if isinstance(message, Delayed):
            return [Waiting(task.key, message.sentence)] if self._speaks_for_its_key(task) else []
        return self._not_found(task)

    def revoke(self, key: Hashable, reason: str) -> list[Decision]:
        """Let go of a task: stop its container, now or as soon as it is known, and say nothing of it."""
        task = self._by_key.pop(key, None)
        if task is None:
            return []
        task.revoked = True
        if task.attempt is not None:
            task.attempt.launch.cancelled = True
        return [Stop(task.arn, reason)] if task.arn else []

    def disown(self, key: Hashable) -> None:
        """Forget a task that another scheduler has adopted; its container is that one's."""
        task = self._by_key.get(key)
        if task is None:
            return
        if task.attempt is not None:
            task.attempt.launch.cancelled = task.attempt.launch.adopted_elsewhere = True
        self._drop(task, ended=False)

    # --- out -----------------------------------------------------------------------------------------------

    def has_news_to_fetch(self) -> bool:
        """Say whether there is a task that must be asked for at once: an adopted one, most often."""
        first = next(iter(self._touched), None)
        return first is not None and self._by_launch[first].touched_at == float("-inf")

    def stale(self, seconds: float, limit: int) -> list[TrackedTask]:
        """Return up to ``limit`` tasks of which nothing was heard for so long; they count as asked now."""
        now = self._clock()
        found: list[TrackedTask] = []
        while self._touched and len(found) < limit:
            launch_id = next(iter(self._touched))
            task = self._by_launch[launch_id]
            if now - task.touched_at < seconds:
                break
            self._touch(task, now)
            # What the launcher holds has no ARN to ask for; it reports by itself.
            if task.state is not State.LAUNCHING:
                found.append(task)
        return found

    # --- changes -------------------------------------------------------------------------------------------

    def _seen(self, ecs_task: EcsTask) -> list[Decision]:
        task = self._by_arn.get(ecs_task.arn) or self._by_launch.get(self.launch_id(ecs_task))
        if task is None or ecs_task.arn in task.earlier_arns:
            return []
        if not task.arn or task.state is State.SOUGHT:
            return self._accepted(task, ecs_task)
        if task.arn != ecs_task.arn:
            # Two containers for one launch id: AWS broke its promise, or somebody copied a request. The one
            # that we know goes on.
            return [] if ecs_task.stopped else [Stop(ecs_task.arn, "a second container for the same launch")]
        first: list[Decision] = [Stop(task.arn, _UNWANTED)] if self._outlived_its_stop(task, ecs_task) else []
        return first + self._take(task, ecs_task)

    def _answered(self, message: Accepted) -> list[Decision]:
        task, ecs_task, attempt = self._by_launch.get(message.launch_id), message.ecs_task, message.attempt
        if task is None:
            # It has ended, when the events were quicker than the answer; or another scheduler has adopted it.
            return []
        if attempt is not None and task.attempt is not None and attempt.round == task.attempt.round:
            if ecs_task.arn in task.earlier_arns and task.state is State.LAUNCHING:
                # The scheduler before us used this token, for a task that stopped before it ran.
                task.attempt = attempt.next_round(attempt.capacity)
                return [LaunchAgain(task.attempt, "the clientToken stands for a task that has stopped")]
            task.attempt = attempt  # How far along the chain it came.
        if (
            attempt is None
            and task.attempt is None
            and ecs_task.arn in task.earlier_arns
            and ecs_task.stopped
        ):
            # Sought once more, and there is no other container: it ended as this one did.
            return self._end(task, Move.STOPPED, verdict.judge(ecs_task, self._container_name))
        decisions = self._accepted(task, _without_verdict(ecs_task))
        if not ecs_task.containers and task.arn == ecs_task.arn:
            # Told by its ARN alone, as AWS answers a repeated launch: where it is has to be asked.
            self._touch(task, float("-inf"))
        return decisions

    def _accepted(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        if ecs_task.arn in task.earlier_arns:
            return []
        if task.arn == ecs_task.arn and task.state is not State.SOUGHT:
            return self._take(task, ecs_task)
        if task.arn and task.arn != ecs_task.arn:
            return [] if ecs_task.stopped else [Stop(ecs_task.arn, "a second container for the same launch")]
        task.arn = ecs_task.arn
        self._by_arn[ecs_task.arn] = task
        self._rename(task, self.launch_id(ecs_task))
        first: list[Decision] = []
        if task.revoked and not ecs_task.stopped:
            first = [Stop(ecs_task.arn, _UNWANTED)]
        elif self._speaks_for_its_key(task):
            first = [Report(task.key, task.arn)]
        return first + self._take(task, ecs_task)

    def _take(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        self._touch(task, self._clock())
        task.missing_since = None
        if ecs_task.version and ecs_task.version < task.version:
            return []
        task.version = max(task.version, ecs_task.version)
        if ecs_task.decided(self._container_name):
            return self._stopped(task, ecs_task)
        if ecs_task.ran:
            task.state = after(task.state, Move.RUNS)
            task.attempt = None  # It holds the payload: the largest thing that we remember.
        else:
            task.state = after(task.state, Move.PENDING)
        return []

    def _outlived_its_stop(self, task: TrackedTask, ecs_task: EcsTask) -> bool:
        """Say whether a container that was to be stopped still runs: StopTask failed, or came too early."""
        return task.revoked and ecs_task.arn == task.arn and ecs_task.last_status in _ALIVE

    def _stopped(self, task: TrackedTask, ecs_task: EcsTask) -> list[Decision]:
        judged = verdict.judge(ecs_task, self._container_name)
        attempt = task.attempt
        again = judged.outcome is Outcome.LAUNCH_AGAIN and self._speaks_for_its_key(task)
        if again and attempt is not None and self._clock() < attempt.deadline:
            task.state = after(task.state, Move.LAUNCH_AGAIN)
            del self._by_arn[task.arn]
            task.earlier_arns += (task.arn,)
            task.arn, task.version = "", 0
            task.attempt = attempt.next_round(attempt.capacity + 1)
            return [LaunchAgain(task.attempt, str(judged.diagnosis))]
        if again and self._may_have_an_heir(task, ecs_task):
            task.state = after(task.state, Move.SEEK)
            del self._by_arn[task.arn]
            task.earlier_arns, task.arn, task.version = (task.arn,), "", 0
            self._touch(task, float("-inf"))
            return []
        if again and attempt is not None:
            judged = verdict.gave_up(judged, containers=attempt.round + 1)
        return self._end(task, Move.STOPPED, judged)

    def _may_have_an_heir(self, task: TrackedTask, ecs_task: EcsTask) -> bool:
        """Say whether there may be another container for this launch: asked once, of what was adopted by ARN.

        Whoever launched this one may have launched it again, and died before Airflow knew.
        """
        adopted = task.attempt is None and task.state is not State.RUNNING
        return adopted and not task.earlier_arns and task.launch_id == self.launch_id(ecs_task)

    def _refused(self, task: TrackedTask, message: LaunchFailed) -> list[Decision]:
        later = task.attempt is not None and task.attempt.round > message.round
        if later or task.state is not State.LAUNCHING:
            # The repeat of a launch whose task was seen meanwhile: events were quicker than answers.
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
        if task.attempt is not None and self._speaks_for_its_key(task):
            # Queued by a scheduler that ended before it launched it. Should the search have been blind: AWS
            # answers a clientToken that it knows with the task that it knows.
            task.state = after(task.state, Move.LAUNCH_AGAIN)
            return [LaunchAgain(task.attempt, "its scheduler ended before it was launched")]
        if task.unlaunchable:
            return self._end(task, Move.REFUSED, verdict.launch_failed(task.unlaunchable))
        if task.missing_since is None:
            task.missing_since = self._clock()
        if self._clock() - task.missing_since < MISSING_GRACE:
            return []
        # Airflow says that it runs, and it runs nowhere here: its id is another executor's, or its record has
        # expired. Airflow sees by its heartbeat whether it lives.
        released: list[Decision] = [Release(task.key)] if self._speaks_for_its_key(task) else []
        task.state = after(task.state, Move.LOST)
        self._drop(task)
        return released

    def _end(self, task: TrackedTask, move: Move, judged: Verdict) -> list[Decision]:
        task.state = after(task.state, move)
        notices: list[Decision] = []
        if self._speaks_for_its_key(task):
            notices = [Finish(task.key, judged)]
        elif task.revoked and judged.explains_itself:
            # Airflow 2.11 fails a task as soon as its process is gone: the reason comes a little later.
            notices = [Finish(task.key, judged, is_known=True)]
        self._drop(task)
        return notices

    def _speaks_for_its_key(self, task: TrackedTask) -> bool:
        """Say whether Airflow still means this launch by its key.

        It does not when it has revoked it, nor when it has queued the key again: a task that deferred resumes
        under the same key, and its first container may end after that.
        """
        return self._by_key.get(task.key) is task

    def _track(self, task: TrackedTask) -> None:
        self._by_launch[task.launch_id] = task
        self._by_key[task.key] = task
        self._by_subject[task.subject] = task
        if task.arn:
            self._by_arn[task.arn] = task
        self._touch(task, self._clock() if task.state is State.LAUNCHING else float("-inf"))

    def _rename(self, task: TrackedTask, launch_id: str) -> None:
        """Put an adopted task, known by its ARN alone, under the launch id that its startedBy tells."""
        if launch_id and launch_id != task.launch_id:
            del self._by_launch[task.launch_id]
            self._touched.pop(task.launch_id, None)
            task.launch_id = launch_id
            self._by_launch[launch_id] = task

    def _drop(self, task: TrackedTask, *, ended: bool = True) -> None:
        if self._by_launch.get(task.launch_id) is task:
            del self._by_launch[task.launch_id]
            self._touched.pop(task.launch_id, None)
        self._by_arn.pop(task.arn, None)
        for arn in filter(None, (task.arn, *task.earlier_arns)) if ended else ():
            self._ended[arn] = None
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        if self._by_key.get(task.key) is task:
            del self._by_key[task.key]
        if self._by_subject.get(task.subject) is task:
            del self._by_subject[task.subject]

    def _touch(self, task: TrackedTask, now: float) -> None:
        task.touched_at = now
        self._touched[task.launch_id] = None
        self._touched.move_to_end(task.launch_id, last=now != float("-inf"))


def _without_verdict(ecs_task: EcsTask) -> EcsTask:
    """Return what a repeated launch is answered with, less its end: ECS says STOPPED there, and not why."""
    if ecs_task.stopped and not ecs_task.containers:
        return replace(ecs_task, last_status="DEPROVISIONING")
    return ecs_task
