"""The state of tasks and the decisions about them. Pure: no boto3, no Airflow, no I/O."""
