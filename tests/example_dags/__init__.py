"""Airflow's own example DAGs, by LocalExecutor and by FargateExecutor: do they end in the same states?"""
