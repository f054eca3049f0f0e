"""Per-task options: parsed, merged with the profile, fitted to Fargate's sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.settings.task_options import (
    TaskOptions,
    effective_options,
    fit_size,
    merge,
    parse_task_options,
)
from unit.examples import CONFIG


def parse(**given: Any) -> TaskOptions:
    """Parse an executor_config."""
    return parse_task_options("executor_config", given)


def test_no_options_leave_everything_to_the_section() -> None:
    """None and an empty dictionary mean the same."""
    assert parse_task_options("executor_config", None) == TaskOptions() == parse()


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("cpu", 1024, 1024),
        ("cpu", "1024", 1024),
        ("capacity", "FARGATE_SPOT, FARGATE", ("FARGATE_SPOT", "FARGATE")),
        ("capacity", ["FARGATE"], ("FARGATE",)),
        ("subnets", ("subnet-a", " subnet-b "), ("subnet-a", "subnet-b")),
        ("env", {"A": "1"}, {"A": "1"}),
        ("task_role", "arn:aws:iam::1:role/r", "arn:aws:iam::1:role/r"),
        ("run_task", {"group": "g"}, {"group": "g"}),
    ],
)
def test_common_spellings_are_accepted(name: str, given: Any, value: Any) -> None:
    """Numbers and lists may be strings."""
    assert getattr(parse(**{name: given}), name) == value


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"memori": 1}, "'memori' is not an option. Did you mean memory?"),
        ({"a\r[": 1}, r"'a\r[' is not an option"),
        ({3: 1}, "3 is not an option."),
        ({"cpu": True}, "cpu must be a positive integer (CPU units, 1024 to a vCPU), got True."),
        ({"cpu": 0}, "positive integer (CPU units, 1024 to a vCPU), got 0"),
        ({"cpu": -1}, "got -1"),
        ({"cpu": 0.5}, "got 0.5"),
        ({"cpu": "1 vCPU"}, "got '1 vCPU'"),
        ({"memory": "2GB"}, "memory must be a positive integer (MiB), got '2GB'"),
        ({"memory": "9" * 5000}, "positive integer"),
        ({"ephemeral_storage": "50GiB"}, "ephemeral_storage must be a positive integer (GiB), got '50GiB'"),
        ({"task_definition": ""}, "task_definition must be a non-empty string, got ''"),
        ({"task_role": 7}, "task_role must be a non-empty string, got 7"),
        ({"capacity": 7}, "capacity must be a list of strings, got 7"),
        ({"capacity": ["SPOT"]}, "'SPOT' is not a capacity provider. Did you mean FARGATE_SPOT?"),
        ({"subnets": [1]}, "subnets must be a list of strings, got [1]"),
        ({"subnets": ["10.0.0.0/24"]}, "subnets must be ids such as subnet-0aaa, got '10.0.0.0/24'"),
        ({"task_role": "arn:aws:iam::1:user/x"}, "task_role must be the ARN of an IAM role, got 'arn:"),
        ({"run_task": {"count": 2}}, "run_task: count is set by the executor, got 2. Leave it out."),
        ({"run_task": {"clientToken": "x"}}, "run_task: clientToken is set by the executor, got 'x'"),
        ({"run_task": {"startedBy": "me"}}, "run_task: startedBy is set by the executor, got 'me'"),
        ({"containerOverrides": []}, "below run_task: {'run_task': {'overrides': {'containerOverrides':"),
        ({"image": "mine"}, "An image belongs to a task definition"),
        ({"tags": {"airflow-fargate:x": "1"}}, "the executor itself sets the tags that begin with airflow-"),
        ({"env": {"A": 1}}, "env['A'] must be a string, got 1"),
        ({"env": {1: "A"}}, "env must be a dictionary with string keys, got {1: 'A'}"),
        ({"env": {"": "A"}}, "the name of a variable must not be empty"),
        ({"env": {"A=B": "C"}}, "or contain '=', got 'A=B'"),
        ({"tags": "a=b"}, "tags must be a dictionary with string keys, got 'a=b'"),
        ({"tags": {"": "b"}}, "tags: a tag's key must not be empty"),
        ({"tags": {"AWS:a": "b"}}, "'AWS:a' is not allowed: AWS reserves keys that begin with aws:"),
        ({"tags": {"a" * 129: "b"}}, "at most 128 characters, got 129"),
        ({"tags": {"a": "b" * 257}}, "at most 256 characters, got 257"),
        ({"tags": {"a": "b\nc"}}, r"the value of 'a' contains '\n'"),
        ({"tags": {"a\tb": "c"}}, "ECS allows letters, digits, spaces"),
        ({"run_task": []}, "run_task must be a dictionary with string keys, got []"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(given: dict[Any, Any], fact: str) -> None:
    """The message has the place, the key, the value, and what is allowed."""
    with pytest.raises(TaskOptionsError) as raised:
        parse_task_options("executor_config", given)
    assert fact in str(raised.value)
    assert str(raised.value).startswith("executor_config: ")
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("given", ["cpu=1", [], 0])
def test_options_must_be_a_dictionary(given: Any) -> None:
    """A list, a text or a number is rejected, even an empty one."""
    with pytest.raises(TaskOptionsError, match=r"executor_config must be a dictionary, got ") as raised:
        parse_task_options("executor_config", given)
    assert repr(given) in str(raised.value)


def test_a_tasks_own_options_take_precedence_over_the_profile() -> None:
    """Values are replaced and dictionaries merged; the rest comes from the profile."""
    profile = parse(cpu=1024, memory=4096, tags={"a": "1", "b": "1"}, capacity="FARGATE")
    own = parse(memory=8192, tags={"b": "2"})
    assert merge(profile, own) == parse(cpu=1024, memory=8192, tags={"a": "1", "b": "2"}, capacity="FARGATE")


@pytest.mark.parametrize(
    ("given", "definition", "fitted"),
    [
        ({}, (512, 1024), (None, None)),
        ({"cpu": 1024, "memory": 4096}, (None, None), (1024, 4096)),
        ({"cpu": 1024}, (None, None), (1024, None)),
        ({"cpu": 1024}, (512, 4096), (1024, 4096)),
        ({"cpu": 1024}, (512, 1024), (1024, 2048)),
        ({"cpu": 256}, (512, 4096), (256, 2048)),
        ({"memory": 2048}, (512, 1024), (512, 2048)),
        ({"memory": 16384}, (512, 1024), (2048, 16384)),
        ({"memory": 512}, (1024, 2048), (256, 512)),
    ],
)
def test_the_other_half_of_a_size_follows(
    given: dict[str, int], definition: tuple[int | None, int | None], fitted: tuple[int | None, int | None]
) -> None:
    """If only cpu or memory is set, the definition's other half is used if it fits, else one that fits."""
    options = fit_size(parse(**given), *definition, round_up=False)
    assert (options.cpu, options.memory) == fitted


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        (
            {"cpu": 300, "memory": 512},
            "no size with cpu=300, memory=512; the nearest is cpu=512, memory=1024",
        ),
        ({"cpu": 99999, "memory": 512}, "the largest is cpu=16384, memory=122880"),
        ({"memory": 700}, "the nearest is cpu=512, memory=1024"),
        ({"cpu": 300}, "the nearest is cpu=512, memory=1024"),
        ({"ephemeral_storage": 20}, "ephemeral_storage must be 21 to 200 (GiB), got 20"),
        ({"ephemeral_storage": 201}, "got 201"),
    ],
)
def test_a_size_that_does_not_exist_is_rejected_with_the_nearest(given: dict[str, int], fact: str) -> None:
    """The message has the size asked for and the one to use."""
    with pytest.raises(TaskOptionsError) as raised:
        fit_size(parse(**given), 512, 1024, round_up=False)
    assert fact in str(raised.value)


@pytest.mark.parametrize(
    ("given", "fitted"),
    [
        ({"cpu": 300, "memory": 512}, (512, 1024)),
        ({"memory": 700}, (512, 1024)),
        ({"cpu": 300}, (512, 1024)),
    ],
)
def test_rounding_up_takes_the_nearest(given: dict[str, int], fitted: tuple[int, int]) -> None:
    """round_up_sizes gives at least the cpu and memory asked for."""
    options = fit_size(parse(**given), 512, 1024, round_up=True)
    assert (options.cpu, options.memory) == fitted


def test_rounding_up_ends_at_the_largest() -> None:
    """Above the largest size there is no size to round up to."""
    with pytest.raises(TaskOptionsError, match="largest"):
        fit_size(parse(cpu=16384, memory=200_000), None, None, round_up=True)


@pytest.mark.parametrize(
    ("config", "given"),
    [
        (replace(CONFIG, launch_type="EC2"), {}),
        (replace(CONFIG, capacity_chain=("my-instances",)), {}),
        (CONFIG, {"capacity": "my-instances"}),
    ],
)
def test_container_instances_have_no_fixed_sizes(config: Any, given: dict[str, Any]) -> None:
    """Container instances run any cpu and memory; Fargate's sizes do not apply."""
    options = effective_options(config, TaskOptions(), parse(cpu=300, memory=700, **given))
    assert (options.cpu, options.memory) == (300, 700)
    with pytest.raises(TaskOptionsError):
        effective_options(CONFIG, TaskOptions(), parse(cpu=300, memory=700))


@pytest.mark.parametrize(
    ("given", "fits"), [({"cpu": 300}, {"cpu": 512}), ({"memory": 700}, {"memory": 1024})]
)
def test_half_a_size_that_fits_no_other_half_is_rejected(given: dict[str, int], fits: dict[str, int]) -> None:
    """Whatever the definition's other half is, which is unknown here."""
    ((name, size),) = fits.items()
    with pytest.raises(TaskOptionsError, match=f"no size with {name}={given[name]};.*{name}={size}"):
        fit_size(parse(**given), None, None, round_up=False)
    assert fit_size(parse(**given), None, None, round_up=True) == parse(**fits)


@pytest.mark.parametrize("given", [{"cpu": 512}, {"memory": 1024}])
def test_half_a_size_is_left_to_aws_if_the_other_half_is_unknown(given: dict[str, int]) -> None:
    """Fargate offers it with some other half."""
    assert fit_size(parse(**given), None, None, round_up=False) == parse(**given)


def test_half_a_size_above_the_largest_is_rejected() -> None:
    """The message has the largest size."""
    with pytest.raises(TaskOptionsError, match="the largest is cpu=16384"):
        fit_size(parse(cpu=20_000), None, None, round_up=True)


@pytest.mark.parametrize(
    ("config", "given"),
    [(CONFIG, {"task_definition": "other"}), (replace(CONFIG, execution_config_function="my.hook"), {})],
)
def test_another_task_definition_keeps_its_own_cpu(config: Any, given: dict[str, Any]) -> None:
    """task_cpu describes our definition only, so a task with another one and its own memory gets no cpu."""
    config = replace(config, task_cpu=512, task_memory=1024)
    options = effective_options(config, TaskOptions(), parse(memory=4096, **given))
    assert (options.cpu, options.memory) == (None, 4096)
    same = effective_options(CONFIG, TaskOptions(), parse(memory=4096, task_definition="worker"))
    assert same.cpu is None  # CONFIG has no task_cpu
    known = replace(CONFIG, task_cpu=512, task_memory=1024)
    assert effective_options(known, TaskOptions(), parse(memory=4096, task_definition="worker")).cpu == 512
