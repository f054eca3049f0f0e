"""From the container's command to what the entrypoint does with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN_WORKLOAD, STANDBY = ("fargate", "run-workload"), ("fargate", "standby")
TASKS_RUN, LOCAL = ("tasks", "run"), frozenset({"--local", "-l"})

PROGRAMS = frozenset({"bash", "env", "pip", "python", "python3", "sh"})
"""First words that name a program; every other bare word is a subcommand of Airflow's CLI."""

USAGE = (
    "give the container a command: 'airflow fargate run-workload REF', another airflow command "
    "('airflow' may be left out), 'python ...' or 'bash ...'"
)


@dataclass(frozen=True)
class RunWorkload:
    """Run the workload that the reference points to, in this process."""

    reference: str


@dataclass(frozen=True)
class StandBy:
    """Wait for a workload, run it in this process; `reference` is where the standby's objects lie."""

    reference: str


@dataclass(frozen=True)
class RunLocally:
    """Run Airflow 2's `tasks run --local`, in this process; `argv` is without the word `airflow`."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class Execute:
    """Replace this process by a program."""

    argv: tuple[str, ...]


def parse_command(arguments: Sequence[str], *, python: str) -> RunWorkload | StandBy | RunLocally | Execute:
    """Decide what to do with a container's command.

    Args:
        arguments: The command, with or without a leading `airflow`.
        python: Path of the interpreter that Airflow's CLI is run with.

    Raises:
        WorkerError: BAD_COMMAND, with the reason.
    """
    words = tuple(arguments)
    if not words:
        raise WorkerError(ExitCode.BAD_COMMAND, f"No command: {USAGE}.")
    first = words[0]
    if first in PROGRAMS or "/" in first:
        return Execute((python, *words[1:]) if first == "python" else words)
    if first == "airflow":
        words = words[1:]
    elif first.startswith("-"):
        raise WorkerError(ExitCode.BAD_COMMAND, f"The command begins with the option {first!r}: {USAGE}.")
    if words[:2] in (RUN_WORKLOAD, STANDBY):
        if len(words) != 3 or not words[2]:  # noqa: PLR2004  two words and the reference
            raise WorkerError(
                ExitCode.BAD_COMMAND,
                f"'{' '.join(words[:2])}' takes exactly one reference, it was given {len(words) - 2}.",
            )
        return RunWorkload(words[2]) if words[:2] == RUN_WORKLOAD else StandBy(words[2])
    if words[:2] == TASKS_RUN and not LOCAL.isdisjoint(words):
        return RunLocally(words)
    return Execute((python, "-m", "airflow", *words))
