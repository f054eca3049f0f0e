"""The whole loop on one machine: Terraform, image build, Airflow, one container per task, and down again.

``make smoke`` runs it in ``.venv``. What calls AWS's API runs as a child process (:mod:`smoke.gather`).
"""
