"""``python3 -m smoke up | down | engine -- COMMAND``: what ``make smoke`` and ``make smoke-down`` call."""

from __future__ import annotations

import sys

from smoke.environment import VenvError, check_python

try:
    check_python()
except VenvError as problem:
    sys.exit(f"error: {problem}")

from smoke.commands import main  # an old Python may not be able to read it

sys.exit(main(sys.argv[1:]))
