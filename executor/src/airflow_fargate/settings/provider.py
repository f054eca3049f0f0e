"""The package's metadata as an Airflow provider: its executor, commands and configuration."""

from __future__ import annotations

from typing import Any

from airflow_fargate.settings.options import DISTRIBUTION, DOCUMENTATION, OPTIONS, SECTION, Option

_AIRFLOW_TYPES = {"list": "string", "json": "string"}


def provider_config() -> dict[str, Any]:
    """Return the section as Airflow's provider metadata declares it (``provider_info.schema.json``)."""
    return {
        SECTION: {
            "description": "Options of FargateExecutor, which runs every task in its own AWS Fargate "
            "container.",
            "options": {
                option.name: {
                    "description": _described(option),
                    "version_added": "0.1.0",
                    "type": _AIRFLOW_TYPES.get(option.kind, option.kind),
                    "example": option.example,
                    # Airflow formats defaults, so braces must be doubled.
                    "default": option.default.replace("{", "{{").replace("}", "}}")
                    if option.default is not None
                    else None,
                }
                for option in OPTIONS
            },
        },
    }


def _described(option: Option) -> str:
    """Return the description with the facts that ``airflow config list`` does not add."""
    lines = [option.description]
    if option.choices:
        lines.append(f"Allowed: {', '.join(option.choices)}.")
    if option.required:
        lines.append("Required.")
    elif option.default:
        lines.append(f"Default: {option.default}".replace("{}", "none"))
    return "\n".join(lines)


def provider_info() -> dict[str, Any]:
    """Return the provider metadata (``provider_info.schema.json``)."""
    return {
        "package-name": DISTRIBUTION,
        "name": "AWS Fargate executor",
        "description": "FargateExecutor runs every Airflow task in its own AWS Fargate container.",
        "integrations": [
            {"integration-name": "AWS Fargate executor", "external-doc-url": DOCUMENTATION, "tags": ["aws"]}
        ],
        "executors": ["airflow_fargate.FargateExecutor"],
        "cli": ["airflow_fargate.cli.commands"],
        "config": provider_config(),
    }
