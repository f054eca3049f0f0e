"""``executor_config`` and profiles: typed, merged, fitted to Fargate's sizes."""

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


def test_nothing_given_is_nothing_asked_for() -> None:
    """None and an empty dictionary leave all to the section."""
    assert parse_task_options("executor_config", None) == TaskOptions() == parse()


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("cpu", 1024, 1024),
        ("cpu", "1024", 1024),
        ("capacity", "FARGATE_SPOT, FARGATE", ("FARGATE_SPOT", "FARGATE")),
        ("capacity", ["FARGATE"], ("FARGATE",)),
        ("subnets", ("a", " b "), ("a", "b")),
        ("env", {"A": "1"}, {"A": "1"}),
        ("task_role", "arn:aws:iam::1:role/r", "arn:aws:iam::1:role/r"),
        ("run_task", {"group": "g"}, {"group": "g"}),
    ],
)
def test_what_people_write_is_understood(name: str, given: Any, value: Any) -> None:
    """Numbers as texts, lists as texts."""
    assert getattr(parse(**{name: given}), name) == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"memori": 1}, "'memori' is not known. Did you mean memory?"),
        ({3: 1}, "3 is not known."),
        ({"cpu": True}, "cpu takes a whole number above 0, True was given"),
        ({"cpu": 0}, "above 0"),
        ({"cpu": -1}, "above 0"),
        ({"cpu": 0.5}, "0.5 was given"),
        ({"memory": "2GB"}, "'2GB' was given"),
        ({"memory": "9" * 5000}, "whole number"),
        ({"task_definition": ""}, "takes a text"),
        ({"task_role": 7}, "takes a text"),
        ({"capacity": 7}, "takes a list of texts"),
        ({"subnets": [1]}, "takes a list of texts"),
        ({"env": {"A": 1}}, "env['A'] takes a text, 1 was given"),
        ({"env": {1: "A"}}, "takes a dictionary"),
        ({"tags": "a=b"}, "takes a dictionary"),
        ({"tags": {"": "b"}}, "a key must not be empty"),
        ({"tags": {"AWS:a": "b"}}, "AWS keeps keys that begin with aws: to itself"),
        ({"tags": {"a" * 129: "b"}}, "too long: 129 characters, ECS takes 128"),
        ({"tags": {"a": "b" * 257}}, "too long: 257 characters, ECS takes 256"),
        ({"tags": {"a": "b\nc"}}, "the value of 'a' has"),
        ({"tags": {"a\tb": "c"}}, "ECS takes letters, digits, spaces"),
        ({"run_task": []}, "takes a dictionary"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(given: dict[Any, Any], words: str) -> None:
    """The sentence names where it stood, the key, and the value."""
    with pytest.raises(TaskOptionsError) as raised:
        parse_task_options("executor_config", given)
    assert words in str(raised.value)
    assert str(raised.value).startswith("executor_config: ")


def test_something_else_than_a_dictionary_is_refused() -> None:
    """A list, a text: not options."""
    with pytest.raises(TaskOptionsError, match="a dictionary is needed, str was given"):
        parse_task_options("executor_config", "cpu=1")  # type: ignore[arg-type]


def test_own_options_lie_over_the_profile() -> None:
    """Values are replaced, maps joined, what is not given is the profile's."""
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
    """One of cpu and memory asked for: the definition's other one where it fits, else one that does."""
    options = fit_size(parse(**given), *definition, round_up=False)
    assert (options.cpu, options.memory) == fitted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cpu": 300, "memory": 512}, "executor_config={'cpu': 512, 'memory': 1024}"),
        ({"cpu": 99999, "memory": 512}, "largest size is cpu 16384"),
        ({"memory": 700}, "executor_config={'cpu': 512, 'memory': 1024}"),
        ({"cpu": 300}, "executor_config={'cpu': 512, 'memory': 1024}"),
        ({"ephemeral_storage": 20}, "21 to 200 GiB"),
        ({"ephemeral_storage": 201}, "21 to 200 GiB"),
    ],
)
def test_a_size_that_does_not_exist_is_refused_with_the_nearest(given: dict[str, int], words: str) -> None:
    """The message can be copied into the DAG."""
    with pytest.raises(TaskOptionsError) as raised:
        fit_size(parse(**given), 512, 1024, round_up=False)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("given", "fitted"),
    [
        ({"cpu": 300, "memory": 512}, (512, 1024)),
        ({"memory": 700}, (512, 1024)),
        ({"cpu": 300}, (512, 1024)),
    ],
)
def test_rounding_up_takes_the_nearest(given: dict[str, int], fitted: tuple[int, int]) -> None:
    """round_up_sizes: at least what was asked for, whichever half it was."""
    options = fit_size(parse(**given), 512, 1024, round_up=True)
    assert (options.cpu, options.memory) == fitted


def test_rounding_up_ends_at_the_largest() -> None:
    """Above the largest size there is nothing to round to."""
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
    """On EC2 any cpu and memory can run; Fargate's matrix is not applied."""
    options = effective_options(config, TaskOptions(), parse(cpu=300, memory=700, **given))
    assert (options.cpu, options.memory) == (300, 700)
    with pytest.raises(TaskOptionsError):
        effective_options(CONFIG, TaskOptions(), parse(cpu=300, memory=700))


@pytest.mark.parametrize(
    ("given", "fits"), [({"cpu": 300}, {"cpu": 512}), ({"memory": 700}, {"memory": 1024})]
)
def test_half_a_size_that_fits_no_other_half_is_refused(given: dict[str, int], fits: dict[str, int]) -> None:
    """Whatever the definition's other half is, which is not known here."""
    with pytest.raises(TaskOptionsError, match=f"nearest that works: executor_config={fits}"):
        fit_size(parse(**given), None, None, round_up=False)
    assert fit_size(parse(**given), None, None, round_up=True) == parse(**fits)


@pytest.mark.parametrize("given", [{"cpu": 512}, {"memory": 1024}])
def test_half_a_size_is_left_to_aws_when_the_other_half_is_not_known(given: dict[str, int]) -> None:
    """It is one that Fargate has with some other half."""
    assert fit_size(parse(**given), None, None, round_up=False) == parse(**given)


def test_half_a_size_above_the_largest_is_refused() -> None:
    """With the largest that there is."""
    with pytest.raises(TaskOptionsError, match="largest size"):
        fit_size(parse(cpu=20_000), None, None, round_up=True)


@pytest.mark.parametrize(
    ("config", "given"),
    [(CONFIG, {"task_definition": "other"}), (replace(CONFIG, execution_config_function="my.hook"), {})],
)
def test_our_definitions_size_says_nothing_of_another_definition(config: Any, given: dict[str, Any]) -> None:
    """A task that brings its own definition, and asks for memory, keeps that definition's CPU."""
    config = replace(config, task_cpu=512, task_memory=1024)
    options = effective_options(config, TaskOptions(), parse(memory=4096, **given))
    assert (options.cpu, options.memory) == (None, 4096)
    same = effective_options(CONFIG, TaskOptions(), parse(memory=4096, task_definition="worker"))
    assert same.cpu is None  # CONFIG does not say how large its definition is.
    known = replace(CONFIG, task_cpu=512, task_memory=1024)
    assert effective_options(known, TaskOptions(), parse(memory=4096, task_definition="worker")).cpu == 512
