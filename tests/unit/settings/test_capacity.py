"""Names of capacity providers: Fargate's two, custom ones, and near misses."""

from __future__ import annotations

import pytest

from airflow_fargate.settings.capacity import fault


@pytest.mark.parametrize(
    "name", ["FARGATE", "FARGATE_SPOT", "my-instances", "spot-instances", "my_fargate", "GPU"]
)
def test_fargates_providers_and_custom_ones_are_valid(name: str) -> None:
    """Any name may be a capacity provider of the cluster, unless it looks like a misspelled Fargate name."""
    assert fault([name]) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SPOT", "FARGATE_SPOT"),
        ("spot", "FARGATE_SPOT"),
        ("fargate", "FARGATE"),
        ("Fargate-Spot", "FARGATE_SPOT"),
        ("FARGATESPOT", "FARGATE_SPOT"),
        ("FARGTE", "FARGATE"),
        ("FRAGATE", "FARGATE"),
        ("on-demand", "FARGATE"),
    ],
)
def test_a_near_miss_is_rejected_with_the_name_that_was_meant(name: str, meant: str) -> None:
    """Otherwise the task would lose its public address and platform version without a word."""
    assert fault(["FARGATE", name]) == f"{name!r} is not a capacity provider. Did you mean {meant}?"


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("EC2", "[fargate] launch_type = EC2"),
        ("ecs-instances", "AWS reserves names that begin with aws, ecs or fargate"),
        ("my provider", "use its short name"),
        ("arn:aws:ecs:us-east-1:123456789012:capacity-provider/mine", "use its short name"),
        ("x" * 256, "use its short name"),
    ],
)
def test_a_name_that_no_provider_can_have_is_rejected(name: str, fact: str) -> None:
    """AWS would reject it at every launch."""
    assert fact in fault([name])
