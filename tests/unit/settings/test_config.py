"""Parsing the section: what is understood, and the sentence for what is not."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.config import FargateConfig, read_config

SMALLEST = {"cluster": "c", "task_definition": "d", "container_name": "worker", "subnets": "subnet-1"}


def read(**section: str) -> FargateConfig:
    """Parse the smallest section with these keys laid over it."""
    whole = {**SMALLEST, **section}
    return read_config(whole, whole.get)


def test_the_smallest_section_is_enough() -> None:
    """Four keys; the rest has defaults."""
    assert read() == FargateConfig("c", "d", "worker", ("subnet-1",))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("subnets", "a, b ,c", ("a", "b", "c")),
        ("subnets", "a,b,", ("a", "b")),
        ("security_groups", "", ()),
        ("assign_public_ip", "true", "ENABLED"),
        ("assign_public_ip", "False", "DISABLED"),
        ("assign_public_ip", "enabled", "ENABLED"),
        ("launch_type", "fargate", "FARGATE"),
        ("launch_type", "ECS", "EC2"),
        ("launch_timeout", "12.5", 12.5),
        ("launcher_threads", "4", 4),
        ("round_up_sizes", "yes", True),
        ("round_up_sizes", "off", False),
        ("tags", '{"a": "b"}', {"a": "b"}),
        ("region", "  eu-central-1 ", "eu-central-1"),
        ("region", "", None),
    ],
)
def test_what_people_write_is_understood(name: str, text: str, value: Any) -> None:
    """Lists with or without spaces, booleans in every spelling, AIP-29's word ECS."""
    assert getattr(read(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("cluster", "  ", "[fargate] cluster is missing"),
        ("subnets", " , ", "at least one is needed"),
        ("subnets", ",".join(f"s{n}" for n in range(17)), "17 given, ECS takes 16"),
        ("security_groups", "a,b,c,d,e,f", "6 given, ECS takes 5"),
        ("launch_type", "LAMBDA", "allowed are FARGATE, EC2"),
        ("assign_public_ip", "maybe", "allowed are ENABLED, DISABLED"),
        ("round_up_sizes", "sometimes", "allowed are True, False"),
        ("launch_timeout", "soon", "must be a number from 1 to 86400, such as 540"),
        ("launch_timeout", "0", "must be a number from 1 to"),
        ("launch_timeout", "nan", "must be a number from 1 to"),
        ("end_timeout", "inf", "must be a number from 1 to"),
        ("run_task_rate", "1E-323", "run_task_rate = '1E-323': must be a number from 0.1 to 10000"),
        ("launch_burst", "1.5", "must be an integer from 1 to 10000"),
        ("tags", "team=data", "this is not JSON"),
        ("tags", "[" * 100_000, "this is not JSON"),
        ("tags", "[]", "a JSON object is needed"),
        ("tags", '{"a": 1}', "the value of 'a' is not a string"),
        ("tags", '{"aws:a": "1"}', "AWS keeps keys"),
        ("tags", '{"": "1"}', "a key must not be empty"),
        ("tags", '{"a\\tb": "1"}', r"the key 'a\tb' has '\t'"),
        ("tags", '{"a": "50%"}', "the value of 'a' has '%'"),
        ("tags", '{"a": "%s"}' % ("x" * 257), "too long"),
        ("tags", "{%s}" % ",".join(f'"{n}": "v"' for n in range(41)), "41 given, 40 at most"),  # noqa: UP031
        ("deployment", "a b", "1 to 64 letters"),
        ("deployment", "x" * 65, "1 to 64 letters"),
        ("profiles", '{"big": 1}', "the profile 'big' is not a JSON object"),
        ("clster", "x", "Did you mean cluster?"),
        ("zzz", "x", "Allowed: region, cluster"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(name: str, text: str, words: str) -> None:
    """One sentence that names the key and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        read(**{name: text})
    assert words in str(raised.value)
    assert f"[fargate] {name}" in str(raised.value)


def test_a_public_address_needs_fargate() -> None:
    """ENABLED with EC2 would only fail at AWS."""
    with pytest.raises(ConfigurationError, match="works with launch_type FARGATE only"):
        read(launch_type="EC2", assign_public_ip="true")


def test_all_faults_are_told_at_once() -> None:
    """Three mistakes: three lines."""
    with pytest.raises(ConfigurationError) as raised:
        read(cluster="", launch_type="x", nonsense="1")
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("rate", "threads"), [("20", range(4, 65)), ("2000", range(16, 129)), ("1", range(1, 65))]
)
def test_threads_follow_the_rate(rate: str, threads: range) -> None:
    """Without launcher_threads there are as many as the rate keeps busy, within bounds; with it, so many."""
    assert read(run_task_rate=rate).threads in threads
    assert read(run_task_rate=rate, launcher_threads="3").threads == 3


def test_silence_is_shorter_where_no_events_come() -> None:
    """A reschedule sensor's container must be seen to end before its next poke is due."""
    assert read().silence == 10.0
    assert read(event_queue_url="https://queue").silence == 60.0
    assert read(reconcile_interval="30").silence == 30.0


@pytest.mark.parametrize(("rate", "listeners"), [("1", 1), ("20", 1), ("200", 6), ("10000", 8)])
def test_listeners_follow_the_rate(rate: str, listeners: int) -> None:
    """Three events to a task: one thread keeps up with AWS's default limits, and not with raised ones."""
    assert read(run_task_rate=rate).listeners == listeners
