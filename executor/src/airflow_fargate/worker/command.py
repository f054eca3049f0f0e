"""Decide what the entrypoint does with the container's command. Pure."""

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
"""First words that are programs. Any other first word is a subcommand of Airflow's CLI."""

USAGE = (
    "use 'airflow fargate run-workload REF', another airflow command ('airflow' may be left out), "
    "'python ...' or 'bash ...'"
)


@dataclass(frozen=True)
class RunWorkload:
    """Run the workload of a reference in this process."""

    reference: str


@dataclass(frozen=True)
class StandBy:
    """Wait for a workload, run it in this process; `reference` is where the standby's objects lie."""

    reference: str


@dataclass(frozen=True)
class RunLocally:
    """Run Airflow 2's `tasks run --local` in this process; `argv` does not include `airflow`."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class Execute:
    """Replace this process with a program."""

    argv: tuple[str, ...]


def parse_command(arguments: Sequence[str], *, python: str) -> RunWorkload | StandBy | RunLocally | Execute:
    """Decide what to do with a container's command.

    Args:
        arguments: The command, with or without a leading `airflow`.
        python: Path of the interpreter for Airflow's CLI.

    Raises:
        WorkerError: BAD_COMMAND; the message has the reason.
    """
    words = tuple(arguments)
    if not words:
        raise WorkerError(ExitCode.BAD_COMMAND, f"The container has no command: {USAGE}.")
    first = words[0]
    if first in PROGRAMS or "/" in first:
        return Execute((python, *words[1:]) if first == "python" else words)
    if first == "airflow":
        words = words[1:]
    elif first.startswith("-"):
        raise WorkerError(
            ExitCode.BAD_COMMAND, f"The command must not begin with an option, got {first!r}: {USAGE}."
        )
    if words[:2] in (RUN_WORKLOAD, STANDBY):
        if len(words) != 3 or not words[2]:  # noqa: PLR2004  two words and the reference
            raise WorkerError(
                ExitCode.BAD_COMMAND,
                f"'{' '.join(words[:2])}' needs exactly one reference, got {len(words) - 2}.",
            )
        return RunWorkload(words[2]) if words[:2] == RUN_WORKLOAD else StandBy(words[2])
    if words[:2] == TASKS_RUN and not LOCAL.isdisjoint(words):
        return RunLocally(words)
    return Execute((python, "-m", "airflow", *words))
