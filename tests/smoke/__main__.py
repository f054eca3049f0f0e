"""``python -m smoke up | down | cloud | engine -- COMMAND``, as the Makefile calls it in ``.venv``."""

from __future__ import annotations

import sys

from smoke.commands import main

sys.exit(main(sys.argv[1:]))
