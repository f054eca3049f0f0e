"""``python docs/generators/outside_links.py site``: follow the built site's links to other sites.

It runs in the workflow on GitHub only, because it needs the internet. A page that is gone (404, 410, no such
host) fails; other answers, such as a refusal of robots, are shown and pass. Standard library alone.
"""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

GONE = (404, 410)
_TIMEOUT_SECONDS = 20
_OURS = re.compile(r"https://(?:OWNER\.github\.io|github\.com/OWNER)/")


def links(site: Path) -> set[str]:
    """Return the links of all pages to other sites, without their anchors."""
    found = set()
    for page in site.rglob("*.html"):
        found |= set(re.findall(r'href="(https?://[^"#]+)', page.read_text(encoding="utf-8")))
    return {each.replace("&amp;", "&") for each in found if not _OURS.match(each)}


def fault(link: str) -> str:
    """Return why a link does not work, or an empty text."""
    asked = urllib.request.Request(link, headers={"User-Agent": "Mozilla/5.0 (link check)"})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=_TIMEOUT_SECONDS):  # noqa: S310  the pages' own links
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return str(error)


def main(arguments: list[str]) -> int:
    """Check all; return 1 if a page is gone."""
    wanted = sorted(links(Path(arguments[0])))
    with ThreadPoolExecutor(max_workers=8) as pool:
        faults = {link: text for link, text in zip(wanted, pool.map(fault, wanted), strict=True) if text}
    for link, text in faults.items():
        sys.stdout.write(f"{link}: {text}\n")
    gone = [
        text for text in faults.values() if any(f"HTTP {code}" == text for code in GONE) or "resolve" in text
    ]
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
