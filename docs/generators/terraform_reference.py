"""docs/terraform_reference.md: every input and output of the root and of the modules, from the .tf files."""

from __future__ import annotations

from pathlib import Path

from terraform import module_readmes

HEAD = """\
# Terraform inputs and outputs

Every input and output of the module for tasks (`terraform/`), of the root for the whole deployment
(`terraform/airflow_on_ecs`), and of each module. [Infrastructure](../terraform/README.md) explains what they
make and how to combine them. `terraform/examples/complete` passes the common inputs through; set any other in
the module block of its `main.tf`.

Written by `make docs` from the `.tf` files.
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(map(_section, module_readmes.folders()))


def _section(folder: Path) -> str:
    place = folder.relative_to(module_readmes.TERRAFORM)
    path = (Path("terraform") / place).as_posix()
    if folder == module_readmes.TERRAFORM:
        title = "The module for tasks"
    else:
        title = f"Module {folder.name}" if place.parts[0] == "modules" else f"Root {folder.name}"
    # Headings of the tables are one level deeper than in a module's own README, and carry its name.
    tables = module_readmes.tables(folder)
    for kind in ("Inputs", "Outputs"):
        tables = tables.replace(f"## {kind}", f"### {kind} of {title[0].lower()}{title[1:]}")
    return f"\n## {title}\n\nSource: [`{path}`](../{path}/README.md)\n\n{tables}\n"
