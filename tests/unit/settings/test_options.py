"""The declaration of ``[fargate]``, and its three readers."""

from __future__ import annotations

import configparser
import dataclasses
import json
from pathlib import Path

import airflow
import jsonschema  # type: ignore[import-untyped]
import pytest

from airflow_fargate.settings import options
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.options import OPTIONS, Option

KEYS_FILE = Path(__file__).parents[3] / "terraform" / "config_keys.json"
AIP29 = {
    "region",
    "cluster",
    "task_definition",
    "container_name",
    "security_groups",
    "subnets",
    "platform_version",
    "launch_type",
    "assign_public_ip",
    "execution_config_function",
}


def test_terraform_reads_the_keys_that_the_executor_has() -> None:
    """terraform/config_keys.json is what ``python -m airflow_fargate.settings.options`` writes today."""
    assert json.loads(KEYS_FILE.read_text()) == options.config_keys()


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    """One command writes Terraform's keys and the documentation's table."""
    keys, table = tmp_path / "keys.json", tmp_path / "options.md"
    assert options.main([str(keys), str(table)]) == 0
    assert json.loads(keys.read_text()) == options.config_keys()
    for option in OPTIONS:
        assert f"`{option.name}`" in table.read_text()
        assert option.description in table.read_text()


def test_the_documented_table_is_todays() -> None:
    """docs/configuration.md is what the same command writes."""
    assert (KEYS_FILE.parents[1] / "docs" / "configuration.md").read_text() == options.reference()


def test_every_key_of_aip29_is_there() -> None:
    """The proposal's ten keys are kept, to the letter, and marked."""
    assert {option.name for option in OPTIONS if option.aip29} == AIP29


def test_provider_info_is_what_airflow_takes() -> None:
    """The metadata of the entry point is valid against Airflow's own schema."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(options.get_provider_info(), schema)


def test_options_and_config_have_the_same_names() -> None:
    """No option without a field, no field without an option."""
    assert {option.name for option in OPTIONS} == {each.name for each in dataclasses.fields(FargateConfig)}


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.default], ids=lambda each: each.name)
def test_a_default_means_the_same_left_out_and_written_down(option: Option) -> None:
    """The declared default is the field's default."""
    needed = {each.name: each.example for each in OPTIONS if each.required}
    left_out = read_config(needed, needed.get)
    written = {**needed, option.name: option.default}
    assert read_config(written, written.get) == left_out


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.example], ids=lambda each: each.name)
def test_every_example_is_a_value_that_works(option: Option) -> None:
    """What the documentation shows can be pasted."""
    needed = {each.name: each.example for each in OPTIONS if each.required}
    section = {**needed, "payload_bucket": "payloads", option.name: option.example}
    assert getattr(read_config(section, section.get), option.name)


def test_airflow_can_interpolate_the_defaults() -> None:
    """Braces in a default are doubled for Airflow, which formats them; single again when it is done."""
    declared = options.provider_config()["fargate"]["options"]
    assert declared["tags"]["default"].format() == "{}"
    parser = configparser.ConfigParser()
    parser.read_dict({"fargate": {name: each["default"] or "" for name, each in declared.items()}})
    assert parser.get("fargate", "launch_timeout") == "540"
