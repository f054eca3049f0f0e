"""Format, validity, and Terraform's own tests."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from terraform import emulator, module_readmes, provider_6

if TYPE_CHECKING:
    import subprocess

    from terraform.conftest import Run

TERRAFORM = Path(__file__).parents[2] / "terraform"
ON_ECS = TERRAFORM / "airflow_on_ecs"
MODULES = sorted(folder.name for folder in (TERRAFORM / "modules").iterdir() if folder.is_dir())


def files_for_terraform_test(root: Path) -> list[str]:
    """Return the names of a root's files for ``terraform test``."""
    return sorted(file.name for file in (root / "tests").glob("*.tftest.hcl"))


MOCKED, EMULATED = files_for_terraform_test(TERRAFORM), files_for_terraform_test(ON_ECS)
ROOTS = ["", "airflow_on_ecs"]


def test_every_file_is_formatted(copied: Path, run: Run) -> None:
    """``terraform fmt`` has nothing to change."""
    done = run(copied, "fmt", "-check", "-recursive", "-no-color")

    assert done.returncode == 0, f"Run terraform fmt -recursive. It would change:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("root", ["infrastructure", "airflow_on_ecs"])
def test_the_configuration_is_valid(root: str, run: Run, request: pytest.FixtureRequest) -> None:
    """Both roots and every module that they call are valid."""
    done = run(request.getfixturevalue(root), "validate", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def results(
    infrastructure: Path, airflow_on_ecs: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return the result of ``terraform test`` for each test file; as many at once as there are cores.

    The module for tasks is tested with a mocked provider. Mocks know no ephemeral resources, so the complete
    deployment and its secrets are planned and applied on an emulator.
    """

    def act(place: tuple[Path, str], **more: str) -> subprocess.CompletedProcess[str]:
        folder, name = place
        return run(folder, "test", "-no-color", f"-filter=tests/{name}", **more)

    mocked = [(infrastructure, name) for name in MOCKED]
    emulated = [(airflow_on_ecs, name) for name in EMULATED]
    with (
        emulator.moto(tmp_path_factory.mktemp("moto") / "moto.log") as url,
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
    ):
        done = pool.map(partial(act, AWS_ENDPOINT_URL=url), emulated)
        return dict(zip(MOCKED + EMULATED, [*pool.map(act, mocked), *done], strict=True))


@pytest.mark.parametrize("name", MOCKED + EMULATED)
def test_modules_keep_their_promises(name: str, results: dict[str, subprocess.CompletedProcess[str]]) -> None:
    """``terraform test``: good inputs give what they should, bad ones are rejected."""
    done = results[name]

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", done.stdout)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_tests(module: str) -> None:
    """Every module has a test file of its own name."""
    assert f"{module}.tftest.hcl" in MOCKED + EMULATED


@pytest.mark.parametrize("folder", [*ROOTS, *(f"modules/{module}" for module in MODULES)])
def test_every_input_and_output_is_described(folder: str) -> None:
    """Every variable has a type and a description, every output a description."""
    variables = module_readmes.blocks(TERRAFORM / folder, "variable")
    outputs = module_readmes.blocks(TERRAFORM / folder, "output")

    assert variables and outputs  # noqa: PT018
    assert [each.name for each in variables if not each.type] == []
    assert [each.name for each in [*variables, *outputs] if not each.description] == []


EXAMPLES = sorted(file.parent.name for file in (TERRAFORM / "examples").glob("*/main.tf"))


@pytest.mark.parametrize(
    "folder", [*ROOTS, *(f"modules/{each}" for each in MODULES), *(f"examples/{each}" for each in EXAMPLES)]
)
def test_every_declaration_is_used(folder: str, copied: Path) -> None:
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


TYPED = [
    TERRAFORM,
    ON_ECS,
    *(TERRAFORM / "modules" / each for each in MODULES),
    *(TERRAFORM / "examples").iterdir(),
]


@pytest.mark.parametrize("folder", TYPED, ids=lambda folder: folder.name)
def test_no_typo_in_an_input_passes_silently(folder: Path) -> None:
    """No optional attribute, which Terraform drops when it is misspelt, and nothing without a type."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))

    assert "optional(" not in text
    assert not re.search(r"type += any\b|\(any\)", text)


@pytest.mark.parametrize("folder", ["", *(f"modules/{each}" for each in MODULES)])
def test_modules_have_no_provider(folder: str) -> None:
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
