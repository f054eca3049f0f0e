"""The whole loop on one machine: Terraform, image build, Airflow, one container per try, and back.

``python3 tests/smoke up`` needs the standard library alone, because it makes the rest itself; what talks to
AWS's API runs in ``.venv`` as a child (:mod:`smoke.gather`).
"""
