"""Runs Airflow's example DAGs with LocalExecutor and with FargateExecutor and compares their states."""
