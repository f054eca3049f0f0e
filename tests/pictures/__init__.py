"""Pictures of Airflow's pages for the documentation, taken by headless Chromium."""
