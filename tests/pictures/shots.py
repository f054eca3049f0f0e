"""What to take pictures of, and the call that takes them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from smoke import environment
from smoke.apt import find_program, install

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smoke.processes import Programs

SECONDS = 300.0
BROWSERS = ("chromium", "google-chrome")


@dataclass(frozen=True)
class Login:
    """A login form with the fields ``username`` and ``password``.

    Args:
        url: the form's address.
        user: the user.
        password: the password.
    """

    url: str
    user: str
    password: str


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        url: the page.
        text: words that the page shows when it is complete.
        path: the PNG file.
    """

    url: str
    text: str
    path: str


@dataclass(frozen=True)
class Order:
    """What ``pictures.shoot`` reads.

    Args:
        browser: path of Chromium.
        shots: the pictures, in order.
        login: what to log in to first, or None.
        width: of the window, in pixels.
        height: of the window, in pixels.
        dark: whether the pages are asked for their dark colours.
    """

    browser: str
    shots: Sequence[Shot]
    login: Login | None = None
    width: int = 1280
    height: int = 800
    dark: bool = False


def take(programs: Programs, scratch: Path, shots: Sequence[Shot], login: Login | None = None) -> None:
    """Take the pictures; Chromium is installed if it is missing.

    Args:
        programs: runs them.
        scratch: folder for the order, which is deleted afterwards because it holds the password.
        shots: the pictures.
        login: what to log in to first.

    Raises:
        SmokeError: there is no Chromium, or a page did not show its words.
    """
    browser = next(filter(None, map(find_program, BROWSERS)), None)
    if browser is None:
        install(programs, ["chromium", "fonts-dejavu-core"], "Pictures need Chromium")
        browser = find_program("chromium") or "chromium"
    python = environment.make("pictures") / "bin" / "python"
    order = scratch / "pictures.json"
    order.touch(mode=0o600)
    try:
        order.write_text(json.dumps(asdict(Order(browser, shots, login))), encoding="utf-8")
        script = environment.ROOT / "tests" / "pictures" / "shoot.py"
        programs.run([str(python), str(script), str(order)], "pictures", timeout=SECONDS)
    finally:
        order.unlink()
