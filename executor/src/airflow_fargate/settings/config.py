"""The ``[fargate]`` section as a frozen value, parsed once when the executor starts.

How it works
    The caller passes the keys that are set and a function that returns a key's text, which is Airflow's
    ``conf.get`` (environment, ``_CMD``, ``_SECRET``, file, and the team's own values). Each text is parsed by
    its option's kind, then values that depend on each other are checked. Every fault is one line; all faults
    are raised together, so that a person corrects the section once.

    Airflow's own ``conf.getboolean``, ``getint``, ``getfloat`` and ``getjson`` would make worse messages:
    they stop at the first fault and name neither the allowed values nor the range. A team's configuration has
    only some of them (3.1: ``getboolean`` alone; no release: ``getfloat``).

    Nothing here calls AWS: the API server builds an executor as well, and only to read logs.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import ConfigurationError, TaskOptionsError
from airflow_fargate.settings import capacity, tags
from airflow_fargate.settings.options import OPTIONS, SECTION, Option
from airflow_fargate.settings.standby_plans import parse_plans
from airflow_fargate.settings.task_options import (
    NO_OPTIONS,
    TaskOptions,
    effective_options,
    parse_task_options,
)
from airflow_fargate.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_SUBNETS = 16  # ECS API reference, AwsVpcConfiguration
MAX_SECURITY_GROUPS = 5  # the same
MAX_OWN_TAGS = 40  # 50 per task (RunTask), less the standard ones
_SECONDS_PER_LAUNCH = 0.4  # slow RunTask and PutObject calls: threads must not be what limits the rate
_FEWEST_THREADS, _MOST_THREADS = 4, 64
_EVENTS_PER_TASK = 3  # RUNNING, DEPROVISIONING, STOPPED: what the task_events module forwards
_EVENTS_PER_LISTENER = 100.0  # per second: ten per receive and delete of 20 ms each, with room to spare
_MOST_LISTENERS = 8
_SILENCE_WITH_EVENTS, _SILENCE_ALONE = 60.0, 10.0
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}
_QUEUE_REGION = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/")
_NOT_IN_LISTS = re.compile(r"[\[\]{}\"'\s]")


@dataclass(frozen=True)
class FargateConfig:
    """The options, with their types: times in seconds, rates in calls or tasks per second."""

    cluster: str
    task_definition: str
    container_name: str
    subnets: tuple[str, ...]
    region: str | None = None
    security_groups: tuple[str, ...] = ()
    platform_version: str = "LATEST"
    launch_type: str = "FARGATE"
    assign_public_ip: str = "DISABLED"
    execution_config_function: str = ""
    deployment: str = "airflow"
    capacity_chain: tuple[str, ...] = ()
    event_queue_url: str = ""
    payload_bucket: str = ""
    payload_prefix: str = "workloads"
    log_group: str = ""
    log_stream_prefix: str = ""
    launch_timeout: float = 540.0
    launcher_threads: int | None = None
    run_task_rate: float = 20.0
    run_task_burst: int = 20
    launch_rate: float = 20.0
    launch_burst: int = 100
    reconcile_interval: float | None = None
    end_timeout: float = 30.0
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    task_cpu: int | None = None
    task_memory: int | None = None
    profiles: Mapping[str, TaskOptions] = field(default_factory=lambda: MappingProxyType({}))
    round_up_sizes: bool = False
    standby: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    standby_poll: float = 0.5
    standby_claim_timeout: float = 5.0
    standby_idle_timeout: float = 3600.0
    standby_preload: tuple[str, ...] = ()

    @property
    def standby_root(self) -> str:
        """Return what the keys of standbys and fates begin with: the folder of payload_prefix."""
        folder, slash, _ = self.payload_prefix.strip("/").rpartition("/")
        return folder + slash

    @property
    def status_prefix(self) -> str:
        """Return what the keys of the schedulers' statuses begin with."""
        return f"{self.standby_root}status/{self.deployment}/"

    @property
    def threads(self) -> int:
        """Return how many launcher threads there are."""
        enough = math.ceil(self.run_task_rate * _SECONDS_PER_LAUNCH)
        return self.launcher_threads or min(max(enough, _FEWEST_THREADS), _MOST_THREADS)

    @property
    def silence(self) -> float:
        """Return the seconds without news after which a task is described."""
        return self.reconcile_interval or (_SILENCE_WITH_EVENTS if self.event_queue_url else _SILENCE_ALONE)

    @property
    def listeners(self) -> int:
        """Return how many threads receive events: one at AWS's default rate limits."""
        enough = self.run_task_rate * _EVENTS_PER_TASK / _EVENTS_PER_LISTENER
        return math.ceil(min(enough, _MOST_LISTENERS))


def read_config(present: Iterable[str], get: Callable[[str], str | None]) -> FargateConfig:
    """Parse the section.

    Args:
        present: the keys that are set, known or not.
        get: returns a key's text, or None if it is not set.

    Raises:
        ConfigurationError: one line per fault, all faults at once.
    """
    faults = [_unknown(key) for key in sorted(set(present) - {option.name for option in OPTIONS})]
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text = get(option.name)
        text = option.default if text is None else text.strip()
        if not text:
            if option.required:
                faults.append(
                    f"[{SECTION}] {option.name} is required, for example {option.example}. "
                    "`terraform output -raw airflow_cfg` prints the whole section."
                )
            continue
        try:
            values[option.name] = _parse(option, text)
        except ValueError as error:
            faults.append(f"[{SECTION}] {option.name} {error}")
    if not faults:
        profiles, faults = _profiles(values.get("profiles") or {})
        config = FargateConfig(**{**values, "profiles": MappingProxyType(profiles)})
        faults += _faults(config)
        if not faults:
            return config
    raise ConfigurationError("\n".join(faults))


def _unknown(key: str) -> str:
    names = [option.name for option in OPTIONS]
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Options: {', '.join(names)}."
    return f"[{SECTION}] {shown(key)} is not an option of FargateExecutor. {hint}"


def _parse(option: Option, text: str) -> Any:
    """Return the value of a text.

    Raises:
        ValueError: the message continues "[fargate] NAME ".
    """
    given = text
    if option.name == "assign_public_ip":
        # AIP-29 uses the API's words; old provider configurations use booleans.
        text = "ENABLED" if text.lower() in _TRUE else "DISABLED" if text.lower() in _FALSE else text.upper()
    if option.name == "launch_type":
        text = "EC2" if text.upper() == "ECS" else text.upper()
    if option.name == "platform_version":
        text = text.upper()
    if option.kind != "json" and not given.isprintable():
        raise ValueError(f"must not contain control characters, got {shown(given)}.")
    if option.choices and text not in option.choices:
        raise ValueError(f"must be {' or '.join(option.choices)}, got {shown(given)}.")
    if option.kind == "list":
        return _list(option, text)
    if option.kind == "json":
        return _json_object(option, text)
    if option.kind == "boolean":
        return _boolean(text)
    if option.kind in ("integer", "float"):
        return _number(option, text)
    _check_form(option, text, given)
    return text


def _list(option: Option, text: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if option.required and not items:
        raise ValueError(f"must have at least one entry, got {shown(text)}. Example: {option.example}.")
    if any(map(_NOT_IN_LISTS.search, items)):
        raise ValueError(
            f"must be separated by commas, without quotes, brackets or spaces inside, got {shown(text)}. "
            f"Example: {option.example}."
        )
    for item in items:
        _check_form(option, item, item)
    return items


def _check_form(option: Option, text: str, given: str) -> None:
    pattern, words = option.form
    if not re.fullmatch(pattern, text):
        raise ValueError(f"must be {words}, got {shown(given)}.")


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"must be True or False, got {shown(text)}.")


def _number(option: Option, text: str) -> float | int:
    what = "an integer" if option.kind == "integer" else "a number"
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if option.kind == "integer":
        # As Airflow reads integers: 4.0 is one.
        number = int(number) if number.is_integer() else math.nan
    if not option.smallest <= number <= option.largest:
        raise ValueError(
            f"must be {what} from {option.smallest:g} to {option.largest:.7g}, got {shown(text)}. "
            f"Example: {option.default or option.example}."
        )
    return number


def _json_object(option: Option, text: str) -> Mapping[str, Any]:
    try:
        value, reason = json.loads(text), ""
    except (ValueError, RecursionError) as error:
        value, reason = None, f" ({error})"
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004  the type of a text's content, not of an argument
            f"must be a JSON object such as {option.example}, got {shown(text)}{reason}."
        )
    return MappingProxyType(value)


def _profiles(given: Mapping[str, Any]) -> tuple[dict[str, TaskOptions], list[str]]:
    """Return queue -> options, and what is wrong with the profiles."""
    parsed: dict[str, TaskOptions] = {}
    faults = []
    for queue, profile in given.items():
        try:
            parsed[queue] = parse_task_options(_profile(queue), profile)
        except TaskOptionsError as error:
            faults.append(str(error))
    return parsed, faults


def _profile(queue: str) -> str:
    return f"[{SECTION}] profiles[{shown(queue)}]"


def _faults(config: FargateConfig) -> list[str]:
    """Return what is wrong with values that are valid one by one."""
    found = []
    for name, most in (("subnets", MAX_SUBNETS), ("security_groups", MAX_SECURITY_GROUPS)):
        if (number := len(getattr(config, name))) > most:
            found.append(
                f"[{SECTION}] {name} must have at most {most} entries (a limit of ECS), got {number}."
            )
    found += _capacity_faults(config)
    found += _place_faults(config)
    found += _tag_faults(config.tags)
    try:
        parse_plans(config.standby)
    except ValueError as error:
        found.append(f"[{SECTION}] standby: {error}")
    if config.standby and not config.payload_bucket:
        found.append(f"[{SECTION}] standby needs payload_bucket, through which standbys receive their task.")
    for queue, options in config.profiles.items():
        try:
            effective_options(config, options, NO_OPTIONS, _profile(queue))
        except TaskOptionsError as error:
            found.append(str(error))
    return found


def _capacity_faults(config: FargateConfig) -> Iterable[str]:
    if wrong := capacity.fault(config.capacity_chain):
        yield f"[{SECTION}] capacity_chain: {wrong}"
    elif config.assign_public_ip == "ENABLED":
        chain = config.capacity_chain or (config.launch_type,)
        if not any(map(capacity.is_fargate, chain)):
            yield (
                f"[{SECTION}] assign_public_ip = ENABLED needs Fargate, got "
                f"{'capacity_chain' if config.capacity_chain else 'launch_type'} = {','.join(chain)}. Only "
                "Fargate tasks can have a public address: set assign_public_ip = DISABLED."
            )


def _place_faults(config: FargateConfig) -> Iterable[str]:
    """Say which names of AWS resources are written in another form than the calls take."""
    if "/" in config.payload_bucket or ":" in config.payload_bucket:
        yield (
            f"[{SECTION}] payload_bucket must be the name of a bucket, without s3:// and path, "
            f"got {shown(config.payload_bucket)}. Set the path in payload_prefix."
        )
    if config.event_queue_url and not config.event_queue_url.startswith(("https://", "http://")):
        yield (
            f"[{SECTION}] event_queue_url must be the URL of an SQS queue, got "
            f"{shown(config.event_queue_url)}. Example: "
            "https://sqs.us-east-1.amazonaws.com/123456789012/airflow-task-events."
        )
    places = {
        "cluster": re.match(r"arn:[a-z-]+:ecs:([a-z0-9-]+):\d+:cluster/", config.cluster),
        "event_queue_url": _QUEUE_REGION.match(config.event_queue_url),
    }
    for name, found in places.items():
        if found and config.region and found[1] != config.region:
            yield (
                f"[{SECTION}] {name} is in {found[1]}, and region = {config.region}. Set both to the same "
                "region."
            )


def _tag_faults(given: Mapping[str, Any]) -> Iterable[str]:
    if len(given) > MAX_OWN_TAGS:
        yield f"[{SECTION}] tags must have at most {MAX_OWN_TAGS} entries, got {len(given)}."
    for key, value in given.items():
        if not isinstance(value, str):
            yield f"[{SECTION}] tags[{shown(key)}] must be a string, got {shown(value)}."
        elif wrong := tags.fault(key, value):
            yield f"[{SECTION}] tags: {wrong}"
