"""Per-task options: ``executor_config``, and the same keys in a queue's profile.

A task's options are its queue's profile with its own ``executor_config`` on top. ``effective_options`` merges
the two and fits cpu and memory to a size that Fargate offers.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.settings import capacity, sizes, tags
from airflow_fargate.text import shown

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class TaskOptions:
    """The options of one task. None leaves a value to the ``[fargate]`` section and the task definition.

    Args:
        cpu: CPU units, 1024 to a vCPU.
        memory: MiB.
        ephemeral_storage: GiB, 21 to 200.
        capacity: capacity providers, in the order in which they are tried.
        task_definition: family, family:revision or ARN.
        task_role: ARN of the IAM role for the task's code.
        env: environment variables of the container. Anyone who may describe tasks can read them, so they
            must not hold secrets.
        tags: tags in addition to the standard ones.
        subnets: replace the section's subnets.
        run_task: keyword arguments of boto3's run_task, merged over the finished request. Use it for
            parameters that have no option.
    """

    cpu: int | None = None
    memory: int | None = None
    ephemeral_storage: int | None = None
    capacity: tuple[str, ...] = ()
    task_definition: str | None = None
    task_role: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    subnets: tuple[str, ...] = ()
    run_task: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)


NO_OPTIONS = TaskOptions()
NAMES = tuple(each.name for each in dataclasses.fields(TaskOptions))
_INTEGERS = {"cpu", "memory", "ephemeral_storage"}
_SUBNET = re.compile("subnet-[A-Za-z0-9]+")
_DIGITS = 9  # Python raises on numbers with thousands of digits.
_LISTS = {"capacity", "subnets"}
_STRINGS = {"task_definition", "task_role"}
_OURS = {"clientToken", "count", "startedBy"}
"""Arguments of RunTask on which launching exactly once depends."""
_RUN_TASK_KEYS = {
    "containerOverrides": "{'overrides': {'containerOverrides': [...]}}",
    **{name: f"{{'{name}': ...}}" for name in ("overrides", "networkConfiguration", "launchType")},
}
_NAMED_LISTS = {"containerOverrides", "environment"}  # in RunTask's overrides


def parse_task_options(source: str, given: Mapping[str, Any] | None) -> TaskOptions:
    """Parse ``executor_config`` or a profile.

    Args:
        source: how an error names the place, such as ``executor_config``.
        given: the dictionary as the DAG's author wrote it.

    Raises:
        TaskOptionsError: a key is unknown, or a value has the wrong type.
    """
    if given is None:
        return NO_OPTIONS
    if not isinstance(given, Mapping):
        raise TaskOptionsError(f"{source} must be a dictionary, got {shown(given)}.")
    if not given:
        return NO_OPTIONS
    return TaskOptions(**{name: _value(source, name, value) for name, value in given.items()})


def merge(profile: TaskOptions, own: TaskOptions) -> TaskOptions:
    """Merge a task's own options over its queue's profile: mappings are merged, other values replaced."""
    # Most tasks have no options of their own, and the scheduler's thread merges a thousand at once.
    if own == NO_OPTIONS:
        return profile
    changes: dict[str, Any] = {}
    for name in NAMES:
        below, above = getattr(profile, name), getattr(own, name)
        if isinstance(above, Mapping):
            changes[name] = MappingProxyType(lay_over(below, above))
        else:
            changes[name] = above if above not in (None, ()) else below
    return TaskOptions(**changes)


def lay_over(below: Any, above: Any, key: str = "") -> Any:
    """Return ``below`` with ``above`` merged over it.

    Dictionaries are merged. Lists of named items (containers, their environment) are merged by name.
    Everything else is replaced.
    """
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        joined = dict(below)
        for name, value in above.items():
            joined[name] = lay_over(below[name], value, name) if name in below else value
        return joined
    if key in _NAMED_LISTS and _are_named(below) and _are_named(above):
        by_name = {each["name"]: each for each in below}
        for each in above:
            by_name[each["name"]] = lay_over(by_name.get(each["name"], {}), each)
        return list(by_name.values())
    return above


def _are_named(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in value
    )


def effective_options(
    config: FargateConfig, profile: TaskOptions, own: TaskOptions, source: str = "executor_config"
) -> TaskOptions:
    """Return the options to launch a task with: its own over its queue's profile, with a size that exists.

    Only Fargate has fixed sizes, so a task that runs on container instances alone keeps any cpu and memory.

    Args:
        config: the ``[fargate]`` section.
        profile: the options of the task's queue.
        own: the task's own options.
        source: how an error names the place.

    Raises:
        TaskOptionsError: Fargate has no such size.
    """
    options = merge(profile, own)
    chain = options.capacity or config.capacity_chain or (config.launch_type,)
    if not any(map(capacity.is_fargate, chain)):
        return options
    cpu, memory = config.task_cpu, config.task_memory
    if options.task_definition not in (None, config.task_definition) or config.execution_config_function:
        # The size of another task definition is unknown: ours could make its tasks smaller unnoticed.
        cpu = memory = None
    try:
        return fit_size(options, cpu, memory, round_up=config.round_up_sizes)
    except TaskOptionsError as error:
        raise TaskOptionsError(f"{source}: {error}") from None


def fit_size(
    options: TaskOptions, default_cpu: int | None, default_memory: int | None, *, round_up: bool
) -> TaskOptions:
    """Return the options with a size that Fargate offers.

    If only one of cpu and memory is set and the task definition's size is known, the other one follows: the
    definition's own if Fargate offers the pair, else the smallest that fits.

    Args:
        options: the merged options.
        default_cpu: CPU units of the task definition; None if unknown.
        default_memory: MiB of the task definition; None if unknown.
        round_up: take the next larger size instead of raising.

    Raises:
        TaskOptionsError: Fargate has no such size. The message names the nearest one.
    """
    storage = options.ephemeral_storage
    if storage is not None and storage not in sizes.EPHEMERAL_STORAGE_GIB:
        raise TaskOptionsError(
            f"ephemeral_storage must be 21 to 200 (GiB), got {storage}. Leave it out for Fargate's own 20 "
            "GiB."
        )
    cpu, memory = options.cpu, options.memory
    if cpu is None and memory is None:
        return options
    if cpu is None or memory is None:
        other = default_cpu if cpu is None else default_memory
        if other is None:
            return _fit_one(options, round_up=round_up)
        one_given = _complete(cpu, memory, other)
        if one_given is not None:
            return dataclasses.replace(options, cpu=one_given[0], memory=one_given[1])
        cpu, memory = cpu or other, memory or other
    if sizes.is_offered(cpu, memory):
        return options
    nearest = sizes.nearest(cpu, memory)
    if round_up and nearest:
        return dataclasses.replace(options, cpu=nearest[0], memory=nearest[1])
    raise TaskOptionsError(_no_such_size(f"cpu={cpu}, memory={memory}", nearest))


def _fit_one(options: TaskOptions, *, round_up: bool) -> TaskOptions:
    """Fit one half of a size alone. AWS checks the pair, because the definition's half is unknown here."""
    cpu, memory = options.cpu, options.memory
    if cpu in sizes.SIZES or any(memory in memories for memories in sizes.SIZES.values()):
        return options
    name, asked = ("cpu", cpu) if cpu is not None else ("memory", memory)
    nearest = sizes.nearest(cpu or 0, memory or 0)
    if nearest is None or not round_up:
        raise TaskOptionsError(_no_such_size(f"{name}={asked}", nearest))
    fitting = nearest[0] if name == "cpu" else nearest[1]
    return dataclasses.replace(options, **{name: fitting})  # type: ignore[arg-type]  # both are integers


def _complete(cpu: int | None, memory: int | None, other: int) -> tuple[int, int] | None:
    pair = (other, memory) if cpu is None else (cpu, other)
    if sizes.is_offered(*pair):  # type: ignore[arg-type]  # one of the two is given
        return pair  # type: ignore[return-value]
    if cpu is not None:
        offered = sizes.SIZES.get(cpu)
        if not offered:
            return None
        return cpu, min((each for each in offered if each >= other), default=offered[-1])
    fitting = [each for each, memories in sizes.SIZES.items() if memory in memories]
    if not fitting:
        return None
    # At least the definition's CPU if a size has it, else the largest CPU that comes with so little memory.
    return min((each for each in fitting if each >= other), default=fitting[-1]), memory  # type: ignore[return-value]


def _no_such_size(asked: str, nearest: tuple[int, int] | None) -> str:
    if nearest is None:
        return f"Fargate has no size with {asked}; the largest is cpu=16384, memory=122880."
    return (
        f"Fargate has no size with {asked}; the nearest is cpu={nearest[0]}, memory={nearest[1]}. Use it, or "
        "set [fargate] round_up_sizes = True."
    )


def _value(source: str, name: str, value: Any) -> Any:
    if name not in NAMES:
        raise TaskOptionsError(f"{source}: {shown(name)} is not an option. {_meant(name)}")
    if name in _INTEGERS:
        return _integer(source, name, value)
    if name in _LISTS:
        return _list(source, name, value)
    if name in _STRINGS:
        if not isinstance(value, str) or not value:
            raise TaskOptionsError(f"{source}: {name} must be a non-empty string, got {shown(value)}.")
        if name == "task_role" and value.startswith("arn:") and ":role/" not in value:
            raise TaskOptionsError(f"{source}: task_role must be the ARN of an IAM role, got {shown(value)}.")
        return value
    return _mapping(source, name, value)


def _meant(name: object) -> str:
    """Return what to do about a key that is not known."""
    if name in _RUN_TASK_KEYS:
        return f"Put RunTask's own keys below run_task: {{'run_task': {_RUN_TASK_KEYS[str(name)]}}}."
    if name == "image":
        return "An image belongs to a task definition: register one with it, and name it in task_definition."
    near = difflib.get_close_matches(str(name), NAMES, n=1)
    return f"Did you mean {near[0]}?" if near else f"Options: {', '.join(NAMES)}."


def _mapping(source: str, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TaskOptionsError(f"{source}: {name} must be a dictionary with string keys, got {shown(value)}.")
    if name in ("env", "tags"):
        _check_strings(source, name, value)
    for key in _OURS & set(value) if name == "run_task" else ():
        if (key, value[key]) != ("count", 1):
            raise TaskOptionsError(
                f"{source}: run_task: {key} is set by the executor, got {shown(value[key])}. Leave it out."
            )
    try:
        # A DAG may go on changing the dictionary; a stored request must not change with it.
        return MappingProxyType(copy.deepcopy(dict(value)))
    except Exception as error:
        raise TaskOptionsError(f"{source}: {name} cannot be copied: {shown(error)}.") from error


def _check_strings(source: str, name: str, value: Mapping[str, Any]) -> None:
    for key, each in value.items():
        if not isinstance(each, str):
            raise TaskOptionsError(f"{source}: {name}[{shown(key)}] must be a string, got {shown(each)}.")
        if name == "tags" and (wrong := tags.fault(key, each)):
            raise TaskOptionsError(f"{source}: tags: {wrong}")
        if name == "env" and (not key or "=" in key):
            raise TaskOptionsError(
                f"{source}: env: the name of a variable must not be empty or contain '=', got {shown(key)}."
            )


def _integer(source: str, name: str, value: Any) -> int:
    # "1024" is what people copy from a task definition. True is a mistake, not 1.
    if isinstance(value, str) and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        unit = {"cpu": "CPU units, 1024 to a vCPU", "memory": "MiB", "ephemeral_storage": "GiB"}[name]
        raise TaskOptionsError(f"{source}: {name} must be a positive integer ({unit}), got {shown(value)}.")
    return value


def _list(source: str, name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise TaskOptionsError(f"{source}: {name} must be a list of strings, got {shown(value)}.")
    items = tuple(each.strip() for each in value if each.strip())
    if name == "capacity" and (wrong := capacity.fault(items)):
        raise TaskOptionsError(f"{source}: capacity: {wrong}")
    if name == "subnets" and (others := [each for each in items if not _SUBNET.fullmatch(each)]):
        raise TaskOptionsError(f"{source}: subnets must be ids such as subnet-0aaa, got {shown(others[0])}.")
    return items
