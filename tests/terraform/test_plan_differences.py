"""The judgement of a second plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from terraform import plan_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = {"aws_sqs_queue.events": frozenset({"redrive_policy"})}


def plan(
    address: str = "aws_sqs_queue.events",
    actions: Sequence[str] = ("update",),
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a plan with one change, as ``terraform show -json`` has it."""
    change: dict[str, Any] = {"actions": list(actions), "before": before, "after": after}
    change["after_unknown"] = more.pop("unknown", {})
    return {"resource_changes": [{"address": address, "change": change}], **more}


def test_nothing_to_do_is_no_difference() -> None:
    """A plan without changes is clean."""
    assert plan_differences.unexpected(plan(actions=["no-op"], before={"a": 1}, after={"a": 1}), KNOWN) == []


def test_a_known_difference_is_passed_over() -> None:
    """What the list names may change."""
    found = plan(before={"redrive_policy": "{}", "name": "q"}, after={"redrive_policy": "{ }", "name": "q"})

    assert plan_differences.unexpected(found, KNOWN) == []


@pytest.mark.parametrize("address", ["module.airflow.module.q.queue", 'module.q["team"].queue'])
def test_the_list_holds_for_every_example(address: str) -> None:
    """Where an example calls the root, or a module once for each team, the difference is the same."""
    found = plan(address, before={"redrive_policy": "{}"}, after={"redrive_policy": "{ }"})

    assert plan_differences.unexpected(found, {"module.q.queue": frozenset({"redrive_policy"})}) == []


def test_another_attribute_of_the_same_resource_is_not() -> None:
    """The list excuses attributes, not resources."""
    found = plan(before={"redrive_policy": "{}", "name": "q"}, after={"redrive_policy": "{ }", "name": "p"})

    assert [str(difference) for difference in plan_differences.unexpected(found, KNOWN)] == [
        "aws_sqs_queue.events: update (name, redrive_policy)",
    ]


def test_an_attribute_known_only_after_apply_counts_as_changed() -> None:
    """Unknown is not unchanged."""
    found = plan(before={"url": "a"}, after={}, unknown={"url": True})

    (difference,) = plan_differences.unexpected(found, KNOWN)

    assert difference.attributes == frozenset({"url"})


def test_a_replacement_is_never_passed_over() -> None:
    """Deleting and creating a known resource is not an update."""
    values: dict[str, Any] = {"before": {"redrive_policy": "{}"}, "after": {"redrive_policy": "{ }"}}
    found = plan(actions=["delete", "create"], **values)

    assert len(plan_differences.unexpected(found, KNOWN)) == 1


def test_a_changed_output_is_a_difference() -> None:
    """An output that changes by itself is no stable configuration."""
    found = plan(actions=["no-op"], output_changes={"airflow_cfg": {"actions": ["update"]}})

    (difference,) = plan_differences.unexpected(found, KNOWN)

    assert difference.address == "output.airflow_cfg"


def test_the_list_says_why() -> None:
    """Every known difference has its reason."""
    assert plan_differences.known_differences()
    for entry in json.loads(plan_differences.LIST.read_text(encoding="utf-8")).values():
        assert entry["attributes"]
        assert entry["reason"].endswith(".")
