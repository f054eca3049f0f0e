"""``airflow fargate migrate``: translate another ECS executor's section and print it.

It reads the section of the amazon provider's AwsEcsExecutor (``[aws_ecs_executor]``), or of its ancestor
airflow-aws-executors (``[ecs_fargate]``). An option without a counterpart becomes a comment that says what to
do instead.
"""

from __future__ import annotations

import ast
import json
import sys
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.config import read_config
from airflow_fargate.settings.options import OPTIONS, SECTION

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

PEER = "aws_ecs_executor"

_SAME = (
    "region",
    "cluster",
    "container_name",
    "platform_version",
    "launch_type",
    "subnets",
    "security_groups",
    "execution_config_function",
)
_NO_COUNTERPART = {
    "conn_id": "boto3 finds the credentials itself (role, AWS_PROFILE, environment).",
    "max_run_task_attempts": "launches are repeated for launch_timeout seconds (540), whatever their number.",
    "check_health_on_startup": "`airflow fargate doctor` makes the checks, when you call it.",
    "adopt_task_instances": "tasks of a scheduler that ended are always adopted.",
}
_OURS = ("count", "clientToken", "startedBy", "enableECSManagedTags", "propagateTags")
"""Parameters of RunTask that the executor sets itself."""
_DEFAULT_QUEUE = "default"


@dataclass
class Migration:
    """A translated section.

    Args:
        options: the options of ``[fargate]``, as texts.
        notes: sentences about what was not translated, or works in another way.
    """

    options: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """Return what the executor would say about the section."""
        try:
            read_config(self.options, self.options.get)
        except ConfigurationError as error:
            return str(error).splitlines()
        return []

    def __str__(self) -> str:
        """Return the configuration, as lines for ``airflow.cfg``."""
        order = {option.name: number for number, option in enumerate(OPTIONS)}
        options = sorted(self.options.items(), key=lambda each: order[each[0]])
        # airflow.cfg is interpolated: a percent sign is written twice.
        lines = [f"{name} = {value}".replace("%", "%%") for name, value in options]
        notes = [f"# {each}" for each in self.notes]
        faults = [f"# To correct: {each}" for each in self.faults()]
        executor = ["[core]", "executor = airflow_fargate.FargateExecutor", ""]
        return "\n".join([*executor, f"[{SECTION}]", *lines, *faults, *notes]) + "\n"


def main(args: argparse.Namespace) -> int:
    """Print the translated section; return 1 if there is nothing to translate."""
    section = args.section or PEER
    try:
        found = _from_file(Path(args.file), section) if args.file else _from_airflow(section)
    except (OSError, UnicodeDecodeError, ConfigParserError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        sys.stderr.write(f"--from must be an airflow.cfg, got {args.file!r}: {why.rstrip('.')}.\n")
        return 1
    # Airflow knows the provider's defaults even where nobody has configured its executor.
    if not {"cluster", "run_task_kwargs"} & set(found):
        where = args.file or "Airflow's configuration"
        sys.stderr.write(
            f"{where} has no cluster in [{section}]: name another section with "
            "--section, or a file with --from.\n"
        )
        return 1
    sys.stdout.write(str(translate(found)))
    return 0


def translate(section: Mapping[str, str]) -> Migration:
    """Translate the options of another ECS executor.

    Args:
        section: its options, as texts.
    """
    result = Migration()
    for name, text in section.items():
        value = text.strip()
        if not value:
            continue
        if name in _NO_COUNTERPART:
            result.notes.append(f"{name} has no counterpart: {_NO_COUNTERPART[name]}")
        elif name == "assign_public_ip":
            enabled = value.lower() in ("true", "t", "1", "yes", "on", "enabled")
            result.options[name] = "ENABLED" if enabled else "DISABLED"
        elif name == "capacity_provider_strategy":
            _capacity(result, name, _parsed(value))
        elif name == "task_definition":
            _task_definition(result, value)
        elif name == "run_task_kwargs":
            _run_task(result, value)
        elif name == "region_name" or name in _SAME:
            result.options["region" if name == "region_name" else name] = value
        else:
            result.notes.append(f"{name} = {value} is not known, so it was left out.")
    if result.options.get("launch_type", "").upper() == "EXTERNAL":
        del result.options["launch_type"]
        result.notes.append("launch_type = EXTERNAL has no counterpart: tasks run on Fargate or EC2.")
    result.notes.append(
        "event_queue_url, payload_bucket and log_group have no counterpart there: Terraform makes them. "
        "Without them tasks are polled, tokens are in the ECS request, and failures have no log lines."
    )
    return result


def _from_airflow(section: str) -> dict[str, str]:
    from airflow.configuration import conf  # noqa: PLC0415  not for a file

    return {name: str(value) for name, value in (conf.getsection(section) or {}).items() if value is not None}


def _from_file(file: Path, section: str) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read_string(file.read_text(encoding="utf-8"), str(file))
    if not parser.has_section(section):
        return {}
    return {name: value.replace("%%", "%") for name, value in parser.items(section)}


def _parsed(text: str) -> Any:
    """Return what a text stands for: JSON, or Python's spelling of it; None for neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _task_definition(result: Migration, value: str) -> None:
    family, _, revision = value.rpartition(":")
    if revision.upper() == "LATEST":
        result.notes.append("task_definition: a family without a revision already means the latest.")
    result.options["task_definition"] = family if revision.upper() == "LATEST" else value


def _capacity(result: Migration, name: str, strategy: Any) -> None:
    """Translate a capacity provider strategy: what is used first comes first."""
    items = [each for each in strategy if isinstance(each, dict)] if isinstance(strategy, list) else []
    used = [
        each
        for each in items
        if each.get("capacityProvider") and (_number(each, "weight", 1) or each.get("base"))
    ]
    if not used:
        result.notes.append(
            f"{name} could not be read: set capacity_chain, for example FARGATE_SPOT,FARGATE."
        )
        return
    used.sort(key=lambda each: (_number(each, "base", 0), _number(each, "weight", 1)), reverse=True)
    result.options["capacity_chain"] = ",".join(dict.fromkeys(each["capacityProvider"] for each in used))
    if len(used) > 1:
        result.notes.append(
            f"{name}: base and weight have no counterpart. capacity_chain is the order in which a launch "
            "tries the providers; put the cheapest first."
        )


def _number(item: Mapping[str, Any], name: str, default: int) -> int:
    value = item.get(name, default)
    return value if isinstance(value, int) else default


def _run_task(result: Migration, text: str) -> None:
    """Translate keyword arguments of run_task: into options as far as there are any, else into a profile."""
    given = _parsed(text)
    if not isinstance(given, dict):
        result.notes.append(
            f"run_task_kwargs = {text} could not be read as JSON. If it is an import path, write an "
            "execution_config_function that returns the dictionary."
        )
        return
    rest = dict(given)
    for theirs, ours in (
        ("cluster", "cluster"),
        ("taskDefinition", "task_definition"),
        ("launchType", "launch_type"),
        ("platformVersion", "platform_version"),
    ):
        if theirs in rest:
            result.options.setdefault(ours, str(rest.pop(theirs)))
    network = (rest.pop("networkConfiguration", None) or {}).get("awsvpcConfiguration") or {}
    for theirs, ours in (("subnets", "subnets"), ("securityGroups", "security_groups")):
        if network.get(theirs):
            result.options.setdefault(ours, ",".join(network[theirs]))
    if network.get("assignPublicIp"):
        result.options.setdefault("assign_public_ip", str(network["assignPublicIp"]))
    if "capacityProviderStrategy" in rest:
        _capacity(result, "capacityProviderStrategy", rest.pop("capacityProviderStrategy"))
    if tags := _tags(rest.pop("tags", None)):
        result.options["tags"] = json.dumps(tags)
    ours_alone = [name for name in _OURS if rest.pop(name, None) is not None]
    if ours_alone:
        result.notes.append(f"run_task_kwargs: {', '.join(ours_alone)} is set by the executor itself.")
    _profile(result, rest)


def _profile(result: Migration, rest: dict[str, Any]) -> None:
    """Put what is left of run_task's arguments into the profile of the default queue."""
    profile: dict[str, Any] = {}
    overrides = dict(rest.pop("overrides", None) or {})
    for name in ("cpu", "memory"):
        if str(overrides.get(name, "")).isdigit():
            profile[name] = int(overrides.pop(name))
    if "taskRoleArn" in overrides:
        profile["task_role"] = overrides.pop("taskRoleArn")
    containers = [
        {key: value for key, value in each.items() if key != "command"}
        for each in overrides.pop("containerOverrides", None) or ()
    ]
    containers = [each for each in containers if set(each) - {"name"}]
    if containers:
        overrides["containerOverrides"] = containers
    if overrides:
        rest["overrides"] = overrides
    if rest:
        profile["run_task"] = rest
    if profile:
        result.options["profiles"] = json.dumps({_DEFAULT_QUEUE: profile})
        result.notes.append(
            f"profiles: what run_task_kwargs said applies to the queue {_DEFAULT_QUEUE!r}. Repeat it for "
            "your other queues."
        )


def _tags(given: Any) -> dict[str, str]:
    """Return tags in any of the forms that are written: pairs, one pair, or a dictionary."""
    if isinstance(given, dict) and set(given) == {"key", "value"}:
        given = [given]
    if isinstance(given, list):
        return {
            str(each["key"]): str(each.get("value", ""))
            for each in given
            if isinstance(each, dict) and "key" in each
        }
    return {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
