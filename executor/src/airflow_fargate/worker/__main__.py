"""`python -m airflow_fargate.worker COMMAND...`: the same as the console script."""

from __future__ import annotations

import sys

from airflow_fargate.worker import main

if __name__ == "__main__":
    sys.exit(main())
