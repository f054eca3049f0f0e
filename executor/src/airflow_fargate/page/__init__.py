"""The page in Airflow (3.1 and later): what runs, what waits, what it costs, and what failed.

::

    scheduler: fleet/status.py --S3--> statuses.py --+
    Airflow's database ------------------------------+--> view.py --> page.html, by app.py in the API server

Airflow loads ``plugin.py`` in every process; the rest is imported in the API server alone.
"""
