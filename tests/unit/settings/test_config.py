"""Parsing the ``[fargate]`` section: accepted spellings, and the message for each wrong value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.task_options import TaskOptions

SMALLEST = {"cluster": "c", "task_definition": "d", "container_name": "worker", "subnets": "subnet-1"}


def read(**section: str) -> FargateConfig:
    """Parse the smallest section with these keys on top."""
    whole = {**SMALLEST, **section}
    return read_config(whole, whole.get)


def test_the_smallest_section_is_enough() -> None:
    """Four keys are required; the others have defaults."""
    assert read() == FargateConfig("c", "d", "worker", ("subnet-1",))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("subnets", "subnet-a, subnet-b ,subnet-c", ("subnet-a", "subnet-b", "subnet-c")),
        ("subnets", "subnet-a,", ("subnet-a",)),
        ("platform_version", "latest", "LATEST"),
        ("security_groups", "", ()),
        ("assign_public_ip", "true", "ENABLED"),
        ("assign_public_ip", "False", "DISABLED"),
        ("assign_public_ip", "enabled", "ENABLED"),
        ("launch_type", "fargate", "FARGATE"),
        ("launch_type", "ECS", "EC2"),
        ("launch_timeout", "12.5", 12.5),
        ("launcher_threads", "4", 4),
        ("launcher_threads", "4.0", 4),
        ("capacity_chain", "FARGATE_SPOT, my-instances", ("FARGATE_SPOT", "my-instances")),
        ("round_up_sizes", "yes", True),
        ("round_up_sizes", "off", False),
        ("tags", '{"a": "b"}', {"a": "b"}),
        ("region", "  eu-central-1 ", "eu-central-1"),
        ("region", "", None),
    ],
)
def test_common_spellings_are_accepted(name: str, text: str, value: Any) -> None:
    """Lists may have spaces, booleans have several spellings, and AIP-29's ECS means EC2."""
    assert getattr(read(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("cluster", "  ", "cluster is required, for example airflow"),
        ("cluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/c", "cluster is in eu-west-1"),
        ("subnets", " , ", "at least one entry, got ','"),
        (
            "subnets",
            ",".join(f"subnet-{n}" for n in range(17)),
            "at most 16 entries (a limit of ECS), got 17",
        ),
        ("subnets", '["subnet-1", "subnet-2"]', "without quotes, brackets or spaces"),
        ("subnets", "subnet-1 subnet-2", "separated by commas"),
        (
            "security_groups",
            ",".join(f"sg-{n}" for n in range(6)),
            "at most 5 entries (a limit of ECS), got 6",
        ),
        ("subnets", "subnet-1;10.0.0.0/24", "ids such as subnet-0aaa, got 'subnet-1;10.0.0.0/24'"),
        ("subnets", "subnet-1,10.0.0.0/24", "ids such as subnet-0aaa, got '10.0.0.0/24'"),
        ("security_groups", "default", "ids such as sg-0aaa, got 'default'"),
        ("region", "us-east-1a", "an AWS region such as us-east-1, got 'us-east-1a'"),
        ("platform_version", "newest", "LATEST or a version such as 1.4.0, got 'newest'"),
        ("log_group", "arn:aws:logs:us-east-1:1:log-group:/w", "the name of a log group such as"),
        ("standby_preload", "my/dags.py", "names of modules such as pandas, got 'my/dags.py'"),
        ("launch_type", "LAMBDA", "FARGATE or EC2, got 'LAMBDA'"),
        ("assign_public_ip", "maybe", "ENABLED or DISABLED, got 'maybe'"),
        ("capacity_chain", "SPOT", "'SPOT' is not a capacity provider. Did you mean FARGATE_SPOT?"),
        ("capacity_chain", "FARGATE,EC2", "set [fargate] launch_type = EC2"),
        ("round_up_sizes", "sometimes", "True or False, got 'sometimes'"),
        ("launch_timeout", "soon", "a number from 1 to 86400, got 'soon'. Example: 540."),
        ("launch_timeout", "0", "from 1 to 86400, got '0'"),
        ("launch_timeout", "nan", "got 'nan'"),
        ("end_timeout", "inf", "got 'inf'"),
        ("run_task_rate", "1E-323", "a number from 0.1 to 10000, got '1E-323'"),
        ("launch_burst", "1.5", "an integer from 1 to 10000, got '1.5'"),
        ("launch_burst", "9" * 5000, "an integer from 1 to 10000"),
        ("tags", "team=data", 'a JSON object such as {"team": "data"}, got \'team=data\''),
        ("tags", "[" * 100_000, "a JSON object"),
        ("tags", "[]", "a JSON object such as"),
        ("tags", '{"a": 1}', "['a'] must be a string, got 1"),
        ("tags", '{"aws:a": "1"}', "reserves keys that begin with aws:"),
        ("tags", '{"": "1"}', "must not be empty"),
        ("tags", '{"a\\tb": "1"}', r"the key 'a\tb' contains '\t'"),
        ("tags", '{"a": "50%"}', "the value of 'a' contains '%'"),
        ("tags", '{"a": "%s"}' % ("x" * 257), "at most 256 characters, got 257"),
        ("tags", json.dumps(dict.fromkeys(map(str, range(41)), "v")), "at most 40 entries, got 41"),
        ("deployment", "a b", "1 to 64 letters, digits, hyphens and underscores, got 'a b'"),
        ("deployment", "x" * 65, "1 to 64 letters"),
        ("payload_bucket", "s3://payloads", "the name of a bucket"),
        ("event_queue_url", "arn:aws:sqs:us-east-1:123456789012:events", "the URL of an SQS queue"),
        ("profiles", '{"big": 1}', "['big'] must be a dictionary, got 1"),
        ("profiles", '{"big": {"cpus": 1}}', "['big']: 'cpus' is not an option. Did you mean cpu?"),
        ("profiles", '{"big": {"cpu": "x"}}', "['big']: cpu must be a positive integer"),
        ("profiles", '{"big": {"cpu": 1000}}', "['big']: Fargate has no size with cpu=1000"),
        ("profiles", '{"big": {"capacity": ["fargate-spot"]}}', "Did you mean FARGATE_SPOT?"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(name: str, text: str, fact: str) -> None:
    """The message has the key, the value, and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        read(**{"region": "us-east-1"} | {name: text})
    (message,) = str(raised.value).splitlines()
    assert fact in message
    assert message.startswith(f"[fargate] {name}")
    assert len(message) < 600


@pytest.mark.parametrize(
    ("name", "fact"),
    [("clster", "Did you mean cluster?"), ("zzz", "Options: region, cluster"), ("\r[", "'\\r['")],
)
def test_an_unknown_key_is_printed_safely(name: str, fact: str) -> None:
    """The name is quoted and escaped, so that it cannot change what a terminal shows."""
    with pytest.raises(ConfigurationError) as raised:
        read(**{name: "x"})
    assert str(raised.value).startswith(f"[fargate] {name!r} is not an option")
    assert fact in str(raised.value)


@pytest.mark.parametrize(
    "section", [{"launch_type": "EC2"}, {"capacity_chain": "my-instances"}], ids=["launch type", "chain"]
)
def test_a_public_address_needs_fargate(section: dict[str, str]) -> None:
    """ENABLED without any Fargate capacity would be dropped silently, or fail at AWS."""
    with pytest.raises(ConfigurationError, match="assign_public_ip = ENABLED needs Fargate"):
        read(**section, assign_public_ip="true")
    assert read(capacity_chain="FARGATE,my-instances", assign_public_ip="true").assign_public_ip == "ENABLED"


def test_all_faults_are_reported_at_once() -> None:
    """Three mistakes give three lines."""
    with pytest.raises(ConfigurationError) as raised:
        read(cluster="", launch_type="x", nonsense="1")
    assert len(str(raised.value).splitlines()) == 3


def test_a_profile_is_parsed_once() -> None:
    """Queue -> options, as executor_config is parsed; a size may be rounded up."""
    profiles = '{"big": {"cpu": 1000, "memory": "4096"}}'
    assert read(profiles=profiles, round_up_sizes="True").profiles == {
        "big": TaskOptions(cpu=1000, memory=4096)
    }


@pytest.mark.parametrize(
    ("rate", "threads"), [("20", range(4, 65)), ("2000", range(16, 129)), ("1", range(1, 65))]
)
def test_threads_follow_the_rate(rate: str, threads: range) -> None:
    """Without launcher_threads, as many threads as the rate keeps busy, within bounds; else that number."""
    assert read(run_task_rate=rate).threads in threads
    assert read(run_task_rate=rate, launcher_threads="3").threads == 3


def test_tasks_are_described_sooner_without_an_event_queue() -> None:
    """A reschedule sensor's container must be seen to end before its next poke."""
    assert read().silence == 10.0
    assert read(event_queue_url="https://queue").silence == 60.0
    assert read(reconcile_interval="30").silence == 30.0


@pytest.mark.parametrize(("rate", "listeners"), [("1", 1), ("20", 1), ("200", 6), ("10000", 8)])
def test_listeners_follow_the_rate(rate: str, listeners: int) -> None:
    """With three events per task, one thread keeps up with AWS's default limits; higher limits need more."""
    assert read(run_task_rate=rate).listeners == listeners
