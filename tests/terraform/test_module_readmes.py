"""Tests of the generated tables in the READMEs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from terraform import module_readmes

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
variable "name" {
  type        = string
  description = "Either a|b."
}

variable "size" {
  type = object({
    cpu = optional(number, 1)
    lan = list(object({
      id = string
    }))
  })
  default = {}
  description = "Sizes."
}

output "id" {
  value       = 1
  description = "Says \\"it\\"."
}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Return a folder with one module."""
    (tmp_path / "main.tf").write_text(MODULE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("folder", module_readmes.folders(), ids=lambda folder: folder.name)
def test_the_readme_lists_inputs_and_outputs(folder: Path) -> None:
    """The tables in every README match the .tf files."""
    readme = (folder / "README.md").read_text(encoding="utf-8")

    assert module_readmes.renewed(readme, folder) == readme, "Run tests/terraform/module_readmes.py"


def test_types_and_defaults_take_one_line(module: Path) -> None:
    """A type that takes several lines in Terraform fits into one cell."""
    _, size = module_readmes.blocks(module, "variable")

    assert size.type == "object({ cpu = optional(number, 1), lan = list(object({ id = string })) })"
    assert size.default == "{}"
    assert size.description == "Sizes."


def test_special_characters_do_not_break_a_cell(module: Path) -> None:
    """Bars are escaped, quotes are not."""
    text = module_readmes.tables(module)

    assert "| `name` | `string` | required | Either a\\|b. |" in text
    assert '| `id` | Says "it". |' in text


def test_handwritten_text_is_kept(module: Path) -> None:
    """Only the text between the markers is written again."""
    once = module_readmes.renewed("# Mine\n", module)
    twice = module_readmes.renewed(once + "\nAlso mine.\n", module)

    assert twice.startswith("# Mine\n")
    assert twice.endswith("Also mine.\n")
    assert twice.count(module_readmes.BEGIN) == 1
