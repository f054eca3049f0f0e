"""The expected results of every task of the smoke's DAGs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Key = tuple[str, str, int, int]
"""DAG, task, map index, try number."""

ESSENTIAL = "EssentialContainerExited"
READY = "waits to be disturbed"
"""In the first line of each task that waits for a disturbance."""


@dataclass(frozen=True)
class ExpectedTry:
    """One try, which is one container.

    Args:
        state: the state that Airflow records for this try.
        exit_code: the container's exit code.
        log_line: a text in its log, in Airflow's UI and in CloudWatch.
        stop_code: ECS's reason why the container's task stopped.
        event_log: texts that one entry of Airflow's event log for this try contains.
        log_uploaded: False if the container was killed before it could upload its log; then only CloudWatch
            has it.
        standby: whether the container is a standby, on releases that can have them.
        deferrals: how often the task waits in the triggerer. Each time it leaves a container, with an exit
            code of its own, and goes on in another one.
    """

    state: str
    exit_code: int
    log_line: str
    stop_code: str = ESSENTIAL
    event_log: tuple[str, ...] = ()
    log_uploaded: bool = True
    standby: bool = False
    deferrals: int = 0

    @property
    def exit_codes(self) -> list[int]:
        """The exit codes of all containers of the try, ascending."""
        return sorted([self.exit_code, *[RESUMES_LATER] * self.deferrals])


@dataclass(frozen=True)
class ExpectedTask:
    """One task instance; without tries, it never gets a container.

    Args:
        dag_id: its DAG.
        task_id: its task.
        state: its final state.
        tries: the expected tries in order.
        map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    task_id: str
    state: str
    tries: tuple[ExpectedTry, ...]
    map_index: int = -1


@dataclass(frozen=True)
class Expectations:
    """What the smoke's runs should come to.

    Args:
        tasks: every task instance.
        run_states: the final state of each DAG's run.
    """

    tasks: tuple[ExpectedTask, ...]
    run_states: dict[str, str]

    def tries(self) -> Iterator[tuple[Key, ExpectedTask, ExpectedTry]]:
        """Return every try that runs: its key, its task, and what is expected of it."""
        for task in self.tasks:
            for number, expected in enumerate(task.tries, 1):
                yield (task.dag_id, task.task_id, task.map_index, number), task, expected


def _once(dag_id: str, task_id: str, log_line: str, map_index: int = -1) -> ExpectedTask:
    return ExpectedTask(dag_id, task_id, "success", (ExpectedTry("success", 0, log_line),), map_index)


OUTCOMES = "smoke_outcomes"
DEPLOYED = "smoke_deployed"
GREETING = "from an added package"
DISTURBED = "smoke_disturbed"
MISSES_A_STANDBY = "outlives_an_api_server"
"""A task of the queue with standbys that none of them can run, because it has an environment of its own."""
EXAMPLE = "tutorial_taskflow_api"
EXAMPLE_FILE = "example_dags/tutorial_taskflow_api.py"
"""One of Airflow's examples, copied unchanged from the installed package."""

TASK_FAILED, RESUMES_LATER, ENDED_BY_AIRFLOW, TASK_KILLED, TASK_STOPPED = 80, 81, 82, 137, 143

_EVERYWHERE: tuple[ExpectedTask, ...] = (
    _once(OUTCOMES, "make_number", "Done. Returned value was: 20"),
    _once(OUTCOMES, "double_number", "got 20 from another container"),
    *(_once(OUTCOMES, "square", f"the square of {n} is {n * n}", n - 1) for n in range(1, 6)),
    ExpectedTask(
        OUTCOMES,
        "fails_once",
        "success",
        (
            ExpectedTry("failed", TASK_FAILED, "the first try fails on purpose"),
            ExpectedTry("success", 0, "this is try 2"),
        ),
    ),
    ExpectedTask(
        OUTCOMES,
        "fails_for_good",
        "failed",
        (ExpectedTry("failed", TASK_FAILED, "this task fails for good on purpose"),),
    ),
    _once(OUTCOMES, "after_failure", "the task before is done"),
    _once(OUTCOMES, "sized", "the memory limit is 4096 MiB"),
    ExpectedTask(
        OUTCOMES,
        "out_of_memory",
        "failed",
        (
            ExpectedTry(
                "failed",
                TASK_KILLED,
                "taking memory until",
                event_log=("ran out of memory at 2048 MiB", "Set executor_config={'memory': 4096}"),
            ),
        ),
    ),
    _once(OUTCOMES, "long", "still here after a reconcile interval"),
    _once(OUTCOMES, "choose", "Branch into chosen"),
    _once(OUTCOMES, "chosen", "this branch was chosen"),
    ExpectedTask(OUTCOMES, "not_chosen", "skipped", ()),
    ExpectedTask(
        DISTURBED,
        "taken_away",
        "success",
        (
            ExpectedTry(
                "failed",
                TASK_STOPPED,
                "try 1 waits to be disturbed",
                stop_code="UserInitiated",
                event_log=("stopped from outside while it ran", "smoke: somebody stopped this"),
                standby=True,
            ),
            ExpectedTry(
                "failed",
                TASK_KILLED,
                "try 2 waits to be disturbed",
                event_log=("killed with SIGKILL",),
                log_uploaded=False,
                standby=True,
            ),
            ExpectedTry("success", 0, "try 3 was left alone", standby=True),
        ),
    ),
    ExpectedTask(
        DISTURBED,
        "outlives_its_scheduler",
        "success",
        (ExpectedTry("success", 0, "another scheduler has taken over", standby=True),),
    ),
    _once(DISTURBED, MISSES_A_STANDBY, "the API server is back"),
    ExpectedTask(
        DISTURBED,
        "marked_failed",
        "failed",
        (ExpectedTry("failed", ENDED_BY_AIRFLOW, "try 1 waits to be disturbed"),),
    ),
    ExpectedTask(
        DISTURBED,
        "cleared",
        "success",
        (
            ExpectedTry("failed", ENDED_BY_AIRFLOW, "try 1 waits to be disturbed"),
            ExpectedTry("success", 0, "try 2 was left alone, retries left: 1"),
        ),
    ),
    _once(EXAMPLE, "extract", "Done. Returned value was: {'1001': 301.27"),
    _once(EXAMPLE, "transform", "Done. Returned value was: {'total_order_value': 1236.7"),
    _once(EXAMPLE, "load", "Total order value is: 1236.70"),
)
# Two runs fail, because no later task hides the failure of out_of_memory and of marked_failed.
OWN_AIRFLOW = Expectations(
    _EVERYWHERE,
    {OUTCOMES: "failed", DISTURBED: "failed", EXAMPLE: "success"},
)
"""Your own Airflow beside the deployment."""
COMPLETE = Expectations(
    (
        *_EVERYWHERE,
        _once(DEPLOYED, "imports_a_package", GREETING),
        ExpectedTask(
            DEPLOYED,
            "deferred",
            "success",
            (ExpectedTry("success", 0, "back from the triggerer", deferrals=1),),
        ),
    ),
    {**OWN_AIRFLOW.run_states, DEPLOYED: "success"},
)
"""The complete deployment also has a triggerer, and images with an added package."""
LEFT_TO_THE_NEXT = ("outlives_its_scheduler", "marked_failed", "cleared")
"""The tasks of ``smoke_disturbed`` that run when the scheduler is killed and when a new one adopts them."""
