"""Takes pictures of web pages: run in the environment of tests/requirements/pictures.txt.

Its one argument is a file with a :class:`pictures.shots.Order` as JSON: no password is in a command line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

SECONDS = 60
LOOK_MILLISECONDS = 200


def wait_for(page: Page, text: str) -> None:
    """Wait until the page, or a frame in it, shows a text: Airflow shows a plugin's page in a frame.

    Raises:
        TimeoutError: it does not.
    """
    until = time.monotonic() + SECONDS
    while not any(frame.get_by_text(text).first.is_visible() for frame in page.frames):
        if time.monotonic() > until:
            raise TimeoutError(f"{page.url} did not show {text!r} within {SECONDS} s.")
        page.wait_for_timeout(LOOK_MILLISECONDS)


def main() -> None:
    """Log in if the order says so, and write one PNG for each shot."""
    order: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with sync_playwright() as playwright:
        # Chromium's sandbox needs a user namespace, which root does not have in a container.
        browser = playwright.chromium.launch(executable_path=order["browser"], args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": order["width"], "height": order["height"]},
            device_scale_factor=1.5,
            color_scheme="dark" if order["dark"] else "light",
        )
        page = context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        if login := order["login"]:
            page.goto(login["url"])
            page.fill("input[name=username]", login["user"])
            page.fill("input[name=password]", login["password"])
            page.click("input[type=submit], button[type=submit]")
            page.wait_for_load_state("networkidle")
        for shot in order["shots"]:
            page.goto(shot["url"])
            wait_for(page, shot["text"])
            page.wait_for_load_state("networkidle")
            Path(shot["path"]).parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=shot["path"])
        browser.close()


if __name__ == "__main__":
    main()
