"""Judges a second plan: does it change anything but what the emulator is known to give back differently?

The known differences stand in ``emulator_differences.json``: the resource's address in the root module, its
attributes and the reason. As a program: ``terraform show -json FILE | python3 plan_differences.py`` prints a
line for each change that is not in the list and ends with 1 if there was any. Standard library only.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LIST = Path(__file__).with_name("emulator_differences.json")


@dataclass(frozen=True)
class Difference:
    """One planned change.

    Args:
        address: the resource, as ``terraform state list`` has it; an output as ``output.NAME``.
        actions: what Terraform would do: update, create, delete.
        attributes: the attributes that would change.
    """

    address: str
    actions: tuple[str, ...]
    attributes: frozenset[str]

    def __str__(self) -> str:
        """Return one line for a person."""
        attributes = ", ".join(sorted(self.attributes)) or "all of it"
        return f"{self.address}: {'+'.join(self.actions)} ({attributes})"


def _changed(change: Mapping[str, Any]) -> frozenset[str]:
    before, after = change.get("before"), change.get("after")
    unknown = change.get("after_unknown")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return frozenset()
    names = before.keys() | after.keys()
    unknown_names = {name for name, value in unknown.items() if value} if isinstance(unknown, dict) else set()
    return frozenset({name for name in names if before.get(name) != after.get(name)} | unknown_names)


def differences(plan: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what ``plan`` (the output of ``terraform show -json``) would change, outputs included."""
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        if change["actions"] not in (["no-op"], ["read"]):
            yield Difference(resource["address"], tuple(change["actions"]), _changed(change))
    for name, change in plan.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            yield Difference(f"output.{name}", tuple(change["actions"]), frozenset())


def known_differences(file: Path = LIST) -> dict[str, frozenset[str]]:
    """Return the list of known differences: address -> attributes."""
    entries = json.loads(file.read_text(encoding="utf-8"))
    return {address: frozenset(entry["attributes"]) for address, entry in entries.items()}


def unexpected(plan: Mapping[str, Any], known: Mapping[str, frozenset[str]]) -> list[Difference]:
    """Return the changes of ``plan`` that are not updates of known attributes."""
    return [
        found
        for found in differences(plan)
        if not _is_known(found, known.get(_in_the_root_module(found.address), frozenset()))
    ]


def _in_the_root_module(address: str) -> str:
    """Return an address as the list has it: without an example's call of the root, and without teams."""
    return re.sub(r'(module\.\w+)\["[^"]*"\]', r"\1", address.removeprefix("module.airflow."))


def _is_known(found: Difference, attributes: frozenset[str]) -> bool:
    return found.actions == ("update",) and bool(found.attributes) and found.attributes <= attributes


def main(arguments: Sequence[str]) -> int:
    """Judge the plan on standard input."""
    if arguments:
        sys.stderr.write("usage: terraform show -json FILE | plan_differences.py\n")
        return 2
    found = unexpected(json.load(sys.stdin), known_differences())
    for difference in found:
        sys.stdout.write(f"{difference}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
