"""Writes ``provider_6.json``: what the resources used here take and give in release 6 of the provider.

``python3 tests/terraform/provider_6.py WHEEL``, WHEEL being that of cdktf-cdktf-provider-aws, whose bindings
are generated from the provider's own schema and name its release; ``pip download --no-deps`` fetches it.
Standard library only.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TERRAFORM = Path(__file__).parents[2] / "terraform"
FACTS = Path(__file__).with_name("provider_6.json")
BLOCK = re.compile(r'^(resource|data) "(aws_\w+)" "\w+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
REFERENCE = re.compile(r"\b(data\.)?(aws_[a-z0-9_]+)\.\w+(?:\[[^\]]*\])?\.(\w+)")
META = {"for_each", "count", "depends_on", "provider", "lifecycle", "content"}
META |= {"create_before_destroy", "precondition", "postcondition", "condition", "error_message"}


def name_of(kind: str, resource: str) -> str:
    """Return how ``provider_6.json`` calls a resource or a data source."""
    return f"data.{resource}" if kind == "data" else resource


def arguments(body: str) -> Iterator[str]:
    """Yield the arguments and the blocks that a formatted resource names, nested ones too."""
    stack: list[bool] = []  # for each open bracket: is it a block, and not a value?
    for line in body.splitlines():
        text = line.split("#", 1)[0].strip()
        found = re.match(r'(?:dynamic "(\w+)"|(\w+))\s*(=|\{)', text)
        if found and all(stack):
            yield found[1] or found[2]
        block = bool(found and found[3] == "{")
        opened = len(re.findall(r"[{\[(]", text)) - len(re.findall(r"[}\])]", text))
        stack += [block] * opened if opened > 0 else []
        del stack[len(stack) + min(opened, 0) :]


def used() -> dict[str, set[str]]:
    """Return resource or data source -> the arguments set and the attributes read."""
    found: dict[str, set[str]] = {}
    for file in sorted(TERRAFORM.rglob("*.tf")):
        if ".terraform" in file.parts:
            continue
        text = file.read_text(encoding="utf-8")
        for kind, resource, body in BLOCK.findall(text):
            found.setdefault(name_of(kind, resource), set()).update(set(arguments(body)) - META)
        for data, resource, attribute in REFERENCE.findall(text):
            found.setdefault(f"{data}{resource}", set()).add(attribute)
    return found


def module_of(name: str) -> str:
    """Return the bindings' module for a resource or a data source."""
    words = name.removeprefix("data.").removeprefix("aws_")
    return f"data_aws_{words}" if name.startswith("data.") else words


def read_wheel(wheel: Path) -> dict[str, object]:
    """Return the facts about everything that is used here, from the bindings."""
    known: dict[str, list[str]] = {}
    release = ""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(used()):
            text = archive.read(f"cdktf_cdktf_provider_aws/{module_of(name)}/__init__.py").decode()
            release = re.findall(r"hashicorp/aws/([0-9.]+)/docs", text)[0]
            documented = re.findall(r"#(\w+) \w+#\1}", text)
            given = re.findall(
                r"@builtins\.property\n    @jsii\.member\([^)]*\)\n    def (\w+)\(self\)", text
            )
            inputs = {each for each in given if each.endswith("_input")}
            known[name] = sorted({*documented, *given} - inputs)
    return {"provider": release, "source": wheel.name, "known": known}


def main(paths: Sequence[str]) -> int:
    """Write the facts."""
    FACTS.write_text(json.dumps(read_wheel(Path(paths[0])), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
