"""A hook of MkDocs: READMEs from outside ``docs/`` become pages, and links work on the site as on GitHub.

Pages link to each other and to files by relative paths, as GitHub wants it. Here a link to a file that is a
page of the site goes to that page, and a link to any other file of the repository goes to GitHub. A link to a
file that does not exist fails the build (``strict``).
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

log = logging.getLogger("mkdocs.plugins.repository_pages")

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security_policy.md",
    "terraform/README.md": "terraform.md",
    "tests/local_cloud/README.md": "local_cloud.md",
    "worker_image/README.md": "worker_image.md",
}
"""Files outside docs/ that are pages: path in the repository -> path on the site."""
NARROWED_BY = {
    "index.md": ["navigation"],  # it would list this page alone
    "chaos.md": ["toc"],
    "comparison.md": ["toc"],
    "example_dags.md": ["toc"],
}
"""Sidebars that are hidden on a page, because its tables need the width."""
SOURCES = {page: source for source, page in PAGES.items()}

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^ *(```|~~~)")
_REFERENCE = re.compile(r"^(?P<name>\[[^\]]+\]: )(?P<target>[^\s#]+)(?P<anchor>#\S*)?", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Put every decision into the navigation, by its number and title."""
    decisions = []
    for file in sorted((ROOT / "docs" / "adr").glob("*.md")):
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        decisions.append({title: f"adr/{file.name}"})
    for section in config.nav:
        for entry in next(iter(section.values())):
            if isinstance(entry, dict) and "Decisions" in entry:
                entry["Decisions"] = decisions
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from outside ``docs/``."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001  MkDocs names it
    """Rewrite the links of a page, and hide sidebars that take its width."""
    uri = page.file.src_uri
    page.meta["hide"] = NARROWED_BY.get(uri, [])
    source = SOURCES.get(uri, f"docs/{uri}")
    blob = f"{config.repo_url.rstrip('/')}/blob/main"

    def replace(found: re.Match[str]) -> str:
        name = found.groupdict().get("name", "")
        return name + _rewritten(found["target"], found["anchor"] or "", source, uri, blob)

    lines, fenced = [], False
    for line in markdown.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        lines.append(line if fenced else _REFERENCE.sub(replace, _LINK.sub(replace, line)))
    return "\n".join(lines)


def _rewritten(target: str, anchor: str, source: str, uri: str, blob: str) -> str:
    """Return where a link goes on the site."""
    if not target or re.match(r"[a-z]+:", target):
        return target + anchor
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    here = posixpath.dirname(uri) or "."
    if path in PAGES:
        return posixpath.relpath(PAGES[path], here) + anchor
    if not (ROOT / path).exists():
        log.warning("%s links to %s, which does not exist.", source, target)
    if path.startswith("docs/") and os.path.isfile(ROOT / path) and "/generators/" not in path:  # noqa: PTH113
        return posixpath.relpath(path.removeprefix("docs/"), here) + anchor
    return f"{blob}/{path}{anchor}"
