"""What one task may ask for: ``executor_config``, and the same keys in a queue's profile."""

from __future__ import annotations

import copy
import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.settings import sizes, tags

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class TaskOptions:
    """The options of one task; what is None is left to the ``[fargate]`` section and the task definition.

    Args:
        cpu: CPU units, 1024 to a vCPU.
        memory: MiB.
        ephemeral_storage: GiB, 21 to 200.
        capacity: capacity providers in the order in which they are tried.
        task_definition: family, family:revision or ARN.
        task_role: ARN of the role that the task's code has.
        env: environment variables of the container. They can be read by anyone who may describe tasks:
            no secrets.
        tags: tags besides the standard ones.
        subnets: instead of the section's.
        run_task: keyword arguments of boto3's run_task, laid over the finished request: the escape.
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
_DIGITS = 9  # Python itself refuses to read numbers of thousands of digits.
_LISTS = {"capacity", "subnets"}
_TEXTS = {"task_definition", "task_role"}
_NAMED_LISTS = {"containerOverrides", "environment"}  # of RunTask's overrides


def parse_task_options(source: str, given: Mapping[str, Any] | None) -> TaskOptions:
    """Parse ``executor_config`` or a profile.

    Args:
        source: what to call it in an error, such as ``executor_config``.
        given: the dictionary as the DAG's author wrote it.

    Raises:
        TaskOptionsError: on a key that is not known or a value of the wrong kind.
    """
    if not given:
        return NO_OPTIONS
    if not isinstance(given, Mapping):
        raise TaskOptionsError(f"{source}: a dictionary is needed, {type(given).__name__} was given.")
    return TaskOptions(**{name: _value(source, name, value) for name, value in given.items()})


def merge(profile: TaskOptions, own: TaskOptions) -> TaskOptions:
    """Lay a task's own options over its queue's profile; maps are joined, the rest is replaced."""
    # Most tasks have no options of their own, and the scheduler's thread does this for a thousand at once.
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
    """Return ``below`` with ``above`` laid over it.

    Dictionaries are joined, and so are the lists whose items have names (containers, their environment), by
    name; everything else is replaced.
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


def effective_options(config: FargateConfig, profile: TaskOptions, own: TaskOptions) -> TaskOptions:
    """Return what a task is launched with: its queue's profile, its own options over it, a size that fits.

    Container instances (EC2) have no fixed sizes: only a task that may come to run on Fargate is fitted.

    Raises:
        TaskOptionsError: Fargate has no such size.
    """
    options = merge(profile, own)
    chain = options.capacity or config.capacity_chain or (config.launch_type,)
    if not any(each.startswith("FARGATE") for each in chain):
        return options
    if options.task_definition not in (None, config.task_definition) or config.execution_config_function:
        # Another definition's size is not known: ours would make its tasks smaller behind their backs.
        return fit_size(options, None, None, round_up=config.round_up_sizes)
    return fit_size(options, config.task_cpu, config.task_memory, round_up=config.round_up_sizes)


def fit_size(
    options: TaskOptions, default_cpu: int | None, default_memory: int | None, *, round_up: bool
) -> TaskOptions:
    """Return the options with a size that Fargate runs.

    One of cpu and memory given, and the definition's size known, the other follows: the definition's own if
    the pair is offered, else the smallest that is.

    Raises:
        TaskOptionsError: no such size; the nearest one is named.
    """
    storage = options.ephemeral_storage
    if storage is not None and storage not in sizes.EPHEMERAL_STORAGE_GIB:
        raise TaskOptionsError(
            f"ephemeral_storage = {storage} GiB: Fargate offers 21 to 200 GiB (20 without asking)."
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
    raise TaskOptionsError(_no_such_size(cpu, memory))


def _fit_one(options: TaskOptions, *, round_up: bool) -> TaskOptions:
    """Return the options with one half of a size; AWS checks the pair: the definition's is not known."""
    cpu, memory = options.cpu, options.memory
    if cpu in sizes.SIZES or any(memory in memories for memories in sizes.SIZES.values()):
        return options
    nearest = sizes.nearest(cpu or 0, memory or 0)
    if nearest is None:
        raise TaskOptionsError(_no_such_size(cpu or 0, memory or 0))
    name, size = ("cpu", nearest[0]) if cpu is not None else ("memory", nearest[1])
    if round_up:
        return dataclasses.replace(options, **{name: size})  # type: ignore[arg-type]  # both are integers
    raise TaskOptionsError(
        f"{name} = {cpu or memory}: Fargate has no such size. The nearest that works: "
        f"executor_config={{{name!r}: {size}}} (or set [fargate] round_up_sizes = True)."
    )


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
    # At least the definition's CPU when some size has it; else the most that comes with so little memory.
    return min((each for each in fitting if each >= other), default=fitting[-1]), memory  # type: ignore[return-value]


def _no_such_size(cpu: int, memory: int) -> str:
    nearest = sizes.nearest(cpu, memory)
    if nearest is None:
        return f"cpu = {cpu}, memory = {memory} MiB: Fargate's largest size is cpu 16384, memory 122880 MiB."
    return (
        f"cpu = {cpu}, memory = {memory} MiB: Fargate has no such size. The nearest that works: "
        f"executor_config={{'cpu': {nearest[0]}, 'memory': {nearest[1]}}} "
        "(or set [fargate] round_up_sizes = True)."
    )


def _value(source: str, name: str, value: Any) -> Any:
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise TaskOptionsError(f"{source}: {name!r} is not known.{hint} Allowed: {', '.join(NAMES)}.")
    if name in _INTEGERS:
        return _integer(source, name, value)
    if name in _LISTS:
        return _words(source, name, value)
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise TaskOptionsError(f"{source}: {name} takes a text, {value!r} was given.")
        return value
    return _mapping(source, name, value)


def _mapping(source: str, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TaskOptionsError(f"{source}: {name} takes a dictionary, {value!r} was given.")
    if name in ("env", "tags"):
        _check_texts(source, name, value)
    try:
        # A DAG may go on changing what it handed in; a kept request must not change with it.
        return MappingProxyType(copy.deepcopy(dict(value)))
    except Exception as error:
        raise TaskOptionsError(f"{source}: {name} cannot be copied: {error!r}.") from error


def _check_texts(source: str, name: str, value: Mapping[str, Any]) -> None:
    for key, each in value.items():
        if not isinstance(each, str):
            raise TaskOptionsError(f"{source}: {name}[{key!r}] takes a text, {each!r} was given.")
        if name == "tags" and (wrong := tags.fault(key, each)):
            raise TaskOptionsError(f"{source}: tags: {wrong}")


def _integer(source: str, name: str, value: Any) -> int:
    # "1024" is what people write who copy from a task definition; True is a mistake, not 1.
    if isinstance(value, str) and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise TaskOptionsError(f"{source}: {name} takes a whole number above 0, {value!r} was given.")
    return value


def _words(source: str, name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise TaskOptionsError(f"{source}: {name} takes a list of texts, {value!r} was given.")
    return tuple(each.strip() for each in value if each.strip())
