"""The declaration of ``[fargate]``, and what is generated from it."""

from __future__ import annotations

import configparser
import dataclasses
import json
from pathlib import Path

import airflow
import jsonschema  # type: ignore[import-untyped]
import pytest

from airflow_fargate.settings import option_files, options, provider
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


def test_terraform_reads_the_executors_keys() -> None:
    """terraform/config_keys.json is what ``python -m airflow_fargate.settings.options`` writes now."""
    assert json.loads(KEYS_FILE.read_text()) == option_files.config_keys()


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    """One command writes Terraform's keys and the table in the docs."""
    keys, table = tmp_path / "keys.json", tmp_path / "options.md"
    assert option_files.main([str(keys), str(table)]) == 0
    assert json.loads(keys.read_text()) == option_files.config_keys()
    for option in OPTIONS:
        assert f"`{option.name}`" in table.read_text()
        assert option.description in table.read_text()


def test_the_table_in_the_docs_is_current() -> None:
    """docs/configuration.md is what the same command writes."""
    assert (KEYS_FILE.parents[1] / "docs" / "configuration.md").read_text() == option_files.reference()


def test_every_key_of_aip29_is_there() -> None:
    """The proposal's ten keys keep their names, and are marked."""
    assert {option.name for option in OPTIONS if option.aip29} == AIP29


def test_provider_info_is_valid() -> None:
    """The metadata of the entry point matches Airflow's own schema."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(options.get_provider_info(), schema)


def test_options_and_config_have_the_same_names() -> None:
    """Every option has a field, and every field an option."""
    assert {option.name for option in OPTIONS} == {each.name for each in dataclasses.fields(FargateConfig)}


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.default], ids=lambda each: each.name)
def test_a_declared_default_is_the_fields_default(option: Option) -> None:
    """Writing the default into the section changes nothing."""
    needed = {each.name: each.example for each in OPTIONS if each.required}
    left_out = read_config(needed, needed.get)
    written = {**needed, option.name: option.default}
    assert read_config(written, written.get) == left_out


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.example], ids=lambda each: each.name)
def test_every_example_is_valid(option: Option) -> None:
    """Examples in the docs can be copied."""
    needed = {each.name: each.example for each in OPTIONS if each.required}
    section = {**needed, "payload_bucket": "payloads", option.name: option.example}
    assert getattr(read_config(section, section.get), option.name)


def test_airflow_can_interpolate_the_defaults() -> None:
    """Braces in a default are doubled, because Airflow formats defaults."""
    declared = provider.provider_config()["fargate"]["options"]
    assert declared["tags"]["default"].format() == "{}"
    parser = configparser.ConfigParser()
    parser.read_dict({"fargate": {name: each["default"] or "" for name, each in declared.items()}})
    assert parser.get("fargate", "launch_timeout") == "540"
