"""Format, validity, and Terraform's own tests."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from terraform import provider_6

if TYPE_CHECKING:
    import subprocess

    from terraform.conftest import Run

TERRAFORM = Path(__file__).parents[2] / "terraform"
TEST_FILES = sorted(file.name for file in (TERRAFORM / "tests").glob("*.tftest.hcl"))
MODULES = sorted(folder.name for folder in (TERRAFORM / "modules").iterdir() if folder.is_dir())


def test_every_file_is_formatted(copied: Path, run: Run) -> None:
    """``terraform fmt`` has nothing to change."""
    done = run(copied, "fmt", "-check", "-recursive", "-no-color")

    assert done.returncode == 0, f"Run terraform fmt -recursive. It would change:\n{done.stdout}{done.stderr}"


def test_the_configuration_is_valid(infrastructure: Path, run: Run) -> None:
    """The root and every module it calls are valid."""
    done = run(infrastructure, "validate", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def promises(infrastructure: Path, run: Run) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return what ``terraform test`` said about each test file; as many at once as there are cores."""

    def act(name: str) -> subprocess.CompletedProcess[str]:
        return run(infrastructure, "test", "-no-color", f"-filter=tests/{name}")

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(TEST_FILES, pool.map(act, TEST_FILES), strict=True))


@pytest.mark.parametrize("name", TEST_FILES)
def test_modules_keep_their_promises(
    name: str, promises: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """``terraform test``, with a mocked provider: good inputs give what they should, bad ones are refused."""
    done = promises[name]

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", done.stdout)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_tests(module: str) -> None:
    """No module without a test file of its own name."""
    assert (TERRAFORM / "tests" / f"{module}.tftest.hcl").is_file()


@pytest.mark.parametrize("folder", ["", *(f"modules/{module}" for module in MODULES)])
def test_every_input_and_output_says_what_it_is(folder: str, copied: Path) -> None:
    """Every variable has a type and a description, every output a description."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted((copied / folder).glob("*.tf")))
    blocks = text.split("\n}\n")

    variables = [block for block in blocks if '\nvariable "' in f"\n{block}"]
    outputs = [block for block in blocks if '\noutput "' in f"\n{block}"]

    assert variables and outputs  # noqa: PT018
    assert [block for block in variables if "\n  type " not in block or "\n  description " not in block] == []
    assert [block for block in outputs if "\n  description " not in block] == []


EXAMPLES = sorted(file.parent.name for file in (TERRAFORM / "examples").glob("*/main.tf"))


@pytest.mark.parametrize(
    "folder", ["", *(f"modules/{each}" for each in MODULES), *(f"examples/{each}" for each in EXAMPLES)]
)
def test_nothing_is_declared_in_vain(folder: str, copied: Path) -> None:
    """Every variable, local value and data source is used, a variable not only by its own validation."""
    files = sorted((copied / folder).glob("*.tf"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    locals_ = "".join(re.findall(r"^locals \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))

    declared = [(f"var.{name}", text.replace(body, "")) for name, body in blocks]
    declared += [(f"local.{name}", text) for name in re.findall(r"^  (\w+) +=", locals_, re.MULTILINE)]
    declared += [
        (f"data.{kind}.{name}", text)
        for kind, name in re.findall(r'^data "(\w+)" "(\w+)"', text, re.MULTILINE)
    ]

    assert declared
    assert [name for name, where in declared if not re.search(rf"\b{re.escape(name)}\b", where)] == []


TYPED = [TERRAFORM, *(TERRAFORM / "modules" / each for each in MODULES), *(TERRAFORM / "examples").iterdir()]


@pytest.mark.parametrize("folder", TYPED, ids=lambda folder: folder.name)
def test_no_typo_in_an_input_passes_silently(folder: Path) -> None:
    """No optional attribute, which Terraform drops when it is misspelt, and nothing without a type."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))

    assert "optional(" not in text
    assert not re.search(r"type += any\b|\(any\)", text)


@pytest.mark.parametrize("folder", ["", *(f"modules/{each}" for each in MODULES)])
def test_what_others_call_has_no_provider(folder: str) -> None:
    """A module with a provider block works neither with for_each nor with count."""
    files = (TERRAFORM / folder).glob("*.tf")

    assert not any(re.search(r"^provider ", file.read_text(encoding="utf-8"), re.MULTILINE) for file in files)


def test_every_resource_has_the_deployment_s_tags() -> None:
    """What AWS can tag is tagged by the module, not by default_tags of a provider that others configure."""
    facts = json.loads(provider_6.FACTS.read_text(encoding="utf-8"))["known"]
    untagged = [
        f"{file.parent.name}/{file.name}: {resource}"
        for file in sorted((TERRAFORM / "modules").rglob("*.tf"))
        for kind, resource, body in provider_6.BLOCK.findall(file.read_text(encoding="utf-8"))
        if kind == "resource" and "tags_all" in facts[resource] and "var.tags" not in body
    ]

    assert untagged == []
