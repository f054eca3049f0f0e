"""User input: the ``[fargate]`` section, ``executor_config``, profiles, and the hook's result."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_fargate.errors import ConfigurationError, RequestError, TaskOptionsError
from airflow_fargate.launching.request import MAX_TAG_VALUE, MAX_TAGS, RunRequestBuilder, request_faults
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.options import OPTIONS
from airflow_fargate.settings.sizes import is_offered
from airflow_fargate.settings.task_options import NAMES, TaskOptions, effective_options, parse_task_options
from aws_model import check_request, service_model
from fuzz.strategies import ANYTHING, JSON, KEYS, TOKEN, broken
from unit.examples import CONFIG, an_attempt

RUN_TASK = service_model("ecs").operation_model("RunTask")
REQUIRED = {option.name: option.example for option in OPTIONS if option.required}
VALUES = st.one_of(
    st.text(max_size=30),
    JSON.map(json.dumps),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["1e308", "9" * 400, "9" * 5000, "nan", "-0", ",", "True", "FARGATE", "ENABLED", "{}", "[" * 5000]
    ),
)


def read(section: dict[str, str]) -> FargateConfig | str:
    """Return the configuration, or the message of its faults."""
    try:
        return read_config(section, section.get)
    except ConfigurationError as error:
        return str(error)


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
@given(value=VALUES)
def test_any_value_of_an_option_is_valid_or_rejected_by_name(name: str, value: str) -> None:
    """Each option by itself: a usable configuration, or a message with the option."""
    found = read(REQUIRED | {name: value})
    if isinstance(found, str):
        assert f"[fargate] {name}" in found
    else:
        assert 1 <= found.listeners <= 8
        assert found.launcher_threads is not None or 4 <= found.threads <= 64
        assert found.launch_timeout > 0


@given(
    st.dictionaries(
        st.sampled_from([option.name for option in OPTIONS]) | st.text(max_size=10), VALUES, max_size=8
    )
)
def test_all_faults_of_a_section_are_reported_at_once(section: dict[str, str]) -> None:
    """Each line names the section."""
    found = read(REQUIRED | section)
    if isinstance(found, str):
        assert all(line.startswith("[fargate]") for line in found.splitlines() if line.startswith("["))
        assert found.startswith("[fargate]")


CONFIGS = st.dictionaries(st.sampled_from(NAMES) | KEYS, ANYTHING, max_size=4) | broken(
    {
        "cpu": 1024,
        "memory": "4096",
        "ephemeral_storage": 30,
        "capacity": ["FARGATE_SPOT", "FARGATE"],
        "task_definition": "worker:1",
        "task_role": "arn:aws:iam::123456789012:role/x",
        "env": {"A": "b"},
        "tags": {"team": "x"},
        "subnets": "subnet-1,subnet-2",
        "run_task": {"group": "x", "overrides": {"containerOverrides": [{"name": "sidecar", "cpu": 1}]}},
    },
    odd=ANYTHING,
)


def in_words(error: Exception, *one_of: str) -> None:
    """Check an error: a message with one of these words, and no token."""
    assert len(str(error)) > len("executor_config: odd")
    assert any(word in str(error) for word in one_of or ("",))
    assert TOKEN not in str(error)


def requested(builder: RunRequestBuilder, options: TaskOptions) -> dict[str, Any] | None:
    """Build the request; None if it was rejected."""
    command = ["airflow", "fargate", "run-workload", f"json:{TOKEN}"]
    try:
        request = builder.build(an_attempt(options=options), command)
    except RequestError as error:
        in_words(error)
        return None
    check_request(RUN_TASK, request)
    assert request["clientToken"]
    assert request["count"] == 1
    assert len(request["tags"]) <= MAX_TAGS
    assert all(len(each["value"]) <= MAX_TAG_VALUE for each in request["tags"])
    return request


@given(CONFIGS | ANYTHING)
def test_any_executor_config_is_a_request_or_is_rejected_by_name(given_: Any) -> None:
    """A size of Fargate and a request that is valid in AWS's model, or a message with the key."""
    try:
        own = parse_task_options("executor_config", given_)
        options = effective_options(CONFIG, TaskOptions(), own)
    except TaskOptionsError as error:
        keys = {str(key) for key in given_} if isinstance(given_, dict) else set()
        in_words(error, "executor_config", *keys)
        return
    if options.cpu and options.memory:
        assert is_offered(options.cpu, options.memory)
    requested(RunRequestBuilder(CONFIG, None, request_faults), options)


HOOKED = broken(
    {
        "cluster": "airflow",
        "taskDefinition": "worker",
        "launchType": "FARGATE",
        "count": 3,
        "clientToken": "x",
        "startedBy": "me",
        "tags": [{"key": "a", "value": "b"}],
        "overrides": {"containerOverrides": [{"name": "worker", "command": ["x"]}]},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"], "assignPublicIp": "ENABLED"}},
    },
    odd=ANYTHING,
)


@given(HOOKED | st.dictionaries(KEYS, ANYTHING, max_size=3) | ANYTHING, CONFIGS)
@example({"tags": [{}], "taskDefinition": "x"}, {})
@example({"tags": [{"key": "a"}], "taskDefinition": "x"}, {})
def test_any_result_of_a_hook_is_a_request_or_is_rejected(returned: Any, executor_config: Any) -> None:
    """The message has the option, and never the workload's token."""
    try:
        own = parse_task_options("executor_config", executor_config)
    except TaskOptionsError:
        own = TaskOptions()
    config = replace(CONFIG, execution_config_function="company.hook")
    requested(RunRequestBuilder(config, lambda _: returned, request_faults), own)


@given(
    st.sampled_from([KeyError("x"), ValueError(), TypeError("odd"), RecursionError(), ZeroDivisionError()])
)
def test_any_exception_of_a_hook_is_reported_with_its_name(error: Exception) -> None:
    """With the exception's text."""

    def hook(_: list[str]) -> Any:
        raise error

    config = replace(CONFIG, execution_config_function="company.hook")
    with pytest.raises(RequestError, match=r"company\.hook raised"):
        RunRequestBuilder(config, hook, request_faults).build(an_attempt(), ["x"])
