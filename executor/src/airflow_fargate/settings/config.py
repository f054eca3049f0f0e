"""The ``[fargate]`` section as a frozen value, parsed once when the executor starts.

Nothing here calls AWS: the api-server builds an executor too, and only to read logs.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.options import OPTIONS, SECTION, Option
from airflow_fargate.settings.standby_plans import parse_plans
from airflow_fargate.settings.tags import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_SUBNETS = 16  # ECS API reference, AwsVpcConfiguration
MAX_SECURITY_GROUPS = 5  # the same
MAX_OWN_TAGS = 40  # 50 per task (RunTask), less the standard ones
_SECONDS_PER_LAUNCH = 0.4  # RunTask and PutObject, slow ones: they must not be what holds the rate down
_FEWEST_THREADS, _MOST_THREADS = 4, 64
_EVENTS_PER_TASK = 3  # RUNNING, DEPROVISIONING, STOPPED: what the task_events module lets through
_EVENTS_PER_LISTENER = 100.0  # a second: ten for a receive and a delete of 20 ms each, and room to spare
_MOST_LISTENERS = 8
_SILENCE_WITH_EVENTS, _SILENCE_ALONE = 60.0, 10.0
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}
_DEPLOYMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class FargateConfig:
    """The options, with their types. Seconds for times, calls or tasks per second for rates."""

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
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
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
    def threads(self) -> int:
        """Return how many launcher threads there are."""
        enough = math.ceil(self.run_task_rate * _SECONDS_PER_LAUNCH)
        return self.launcher_threads or min(max(enough, _FEWEST_THREADS), _MOST_THREADS)

    @property
    def silence(self) -> float:
        """Return the seconds of silence after which a task is described."""
        return self.reconcile_interval or (_SILENCE_WITH_EVENTS if self.event_queue_url else _SILENCE_ALONE)

    @property
    def listeners(self) -> int:
        """Return how many threads receive events: one at AWS's default limits."""
        enough = self.run_task_rate * _EVENTS_PER_TASK / _EVENTS_PER_LISTENER
        return math.ceil(min(enough, _MOST_LISTENERS))


def read_config(present: Iterable[str], get: Callable[[str], str | None]) -> FargateConfig:
    """Parse the section.

    Args:
        present: the keys that stand in the configuration, ours or not.
        get: returns a key's text, or None.

    Raises:
        ConfigurationError: one sentence per fault, all faults at once.
    """
    faults = [_unknown(key) for key in sorted(set(present) - {option.name for option in OPTIONS})]
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text = get(option.name)
        text = option.default if text is None else text.strip()
        if not text:
            if option.required:
                faults.append(
                    f"[{SECTION}] {option.name} is missing: {option.description} "
                    "`terraform output -raw airflow_cfg` prints the whole section."
                )
            continue
        try:
            values[option.name] = _parse(option, text)
            if option.required and not values[option.name]:
                raise ValueError("at least one is needed.")  # noqa: TRY301  "," is a list without items
        except ValueError as error:
            faults.append(f"[{SECTION}] {option.name} = {text!r}: {error}")
    if not faults:
        config = FargateConfig(**values)
        faults = _faults(config)
        if not faults:
            return config
    raise ConfigurationError("\n".join(faults))


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, [option.name for option in OPTIONS], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    allowed = ", ".join(option.name for option in OPTIONS)
    return f"[{SECTION}] {key} is not an option of FargateExecutor.{hint} Allowed: {allowed}."


def _parse(option: Option, text: str) -> Any:
    if option.name == "assign_public_ip":
        # AIP-29 writes the words of the API; provider configurations of old write booleans.
        text = "ENABLED" if text.lower() in _TRUE else "DISABLED" if text.lower() in _FALSE else text.upper()
    if option.name == "launch_type":
        text = "EC2" if text.upper() == "ECS" else text.upper()
    if option.choices and text not in option.choices:
        raise ValueError(f"allowed are {', '.join(option.choices)}.")
    if option.kind == "list":
        return tuple(item.strip() for item in text.split(",") if item.strip())
    if option.kind == "json":
        return _json_object(text)
    if option.kind == "boolean":
        return _boolean(text)
    if option.kind in ("integer", "float"):
        return _number(option, text)
    return text


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("allowed are True, False.")


def _number(option: Option, text: str) -> float | int:
    what = "an integer" if option.kind == "integer" else "a number"
    try:
        number = int(text) if option.kind == "integer" else float(text)
    except ValueError:
        number = math.nan
    if not option.smallest <= number <= option.largest:
        raise ValueError(
            f"must be {what} from {option.smallest:g} to {option.largest:.7g}, "
            f"such as {option.default or option.example}."
        )
    return number


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"this is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValueError("a JSON object is needed, such as {}.")  # noqa: TRY004  a text that has no such value
    return MappingProxyType(value)


def _faults(config: FargateConfig) -> list[str]:
    """Return what is wrong with values that parse one by one."""
    found = []
    if len(config.subnets) > MAX_SUBNETS:
        found.append(f"[{SECTION}] subnets: {len(config.subnets)} given, ECS takes {MAX_SUBNETS} at most.")
    if len(config.security_groups) > MAX_SECURITY_GROUPS:
        found.append(
            f"[{SECTION}] security_groups: {len(config.security_groups)} given, ECS takes "
            f"{MAX_SECURITY_GROUPS} at most."
        )
    if not _DEPLOYMENT.fullmatch(config.deployment):
        found.append(
            f"[{SECTION}] deployment = {config.deployment!r}: 1 to 64 letters, digits, hyphens and "
            "underscores are allowed."
        )
    if config.launch_type == "EC2" and config.assign_public_ip == "ENABLED":
        found.append(f"[{SECTION}] assign_public_ip: ENABLED works with launch_type FARGATE only.")
    found.extend(_tag_faults(config.tags))
    try:
        parse_plans(config.standby)
    except ValueError as error:
        found.append(f"[{SECTION}] standby: {error}")
    if config.standby and not config.payload_bucket:
        found.append(f"[{SECTION}] standby needs payload_bucket, through which standbys receive their task.")
    found.extend(
        f"[{SECTION}] profiles: the profile {queue!r} is not a JSON object."
        for queue, profile in config.profiles.items()
        if not isinstance(profile, dict)
    )
    return found


def _tag_faults(tags: Mapping[str, Any]) -> Iterable[str]:
    if len(tags) > MAX_OWN_TAGS:
        yield f"[{SECTION}] tags: {len(tags)} given, {MAX_OWN_TAGS} at most."
    for key, value in tags.items():
        if not isinstance(value, str):
            yield f"[{SECTION}] tags: the value of {key!r} is not a string."
        elif wrong := fault(key, value):
            yield f"[{SECTION}] tags: {wrong}"
