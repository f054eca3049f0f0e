"""The policies as Terraform writes them for an account of the tests' making, by ``terraform test``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from terraform.iam import Policy
from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from terraform.conftest import Run


@dataclass(frozen=True)
class Module:
    """A module with inputs.

    Args:
        name: its folder in ``modules/``; empty for the module that calls them.
        inputs: its variables.
    """

    name: str
    inputs: Mapping[str, Any]

    def block(self, run: str) -> str:
        """Return the block of a test file that applies it."""
        variables = "\n".join(f"    {name} = {json.dumps(value)}" for name, value in self.inputs.items())
        source = f'  module {{\n    source = "./modules/{self.name}"\n  }}\n' if self.name else ""
        return f'run "{run}" {{\n{source}  variables {{\n{variables}\n  }}\n}}\n'


def resources(
    infrastructure: Path, run: Run, modules: Mapping[str, Module]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Apply modules with a mocked provider; return key of ``modules`` -> address -> a resource's values."""
    file = infrastructure / "written.tftest.hcl"
    blocks = [module.block(key) for key, module in modules.items()]
    file.write_text("\n".join([mock_provider(infrastructure), *blocks]), encoding="utf-8")
    try:
        # A module that only this file calls must be installed first.
        assert run(infrastructure, "init").returncode == 0
        done = run(infrastructure, "test", "-json", "-verbose", f"-filter={file.name}")
    finally:
        file.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        line["@testrun"]: dict(_of_module(line["test_state"]["root_module"]))
        for line in lines
        if line["type"] == "test_state"
    }


def _of_module(module: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address and the values of each resource of a module and of those that it calls."""
    for each in module.get("resources", []):
        yield each["address"], each["values"]
    for child in module.get("child_modules", []):
        yield from _of_module(child)


def inline(found: Mapping[str, Mapping[str, Any]], role_policy: str) -> Policy:
    """Return the inline policies at addresses like ``aws_iam_role_policy.task["x"]``, as one."""
    policy = Policy(())
    for address, values in found.items():
        if address.partition("[")[0] == role_policy:
            policy += Policy.parse(values["policy"])
    return policy
