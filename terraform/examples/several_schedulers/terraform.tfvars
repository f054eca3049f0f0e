# Two schedulers for one Airflow share everything: cluster, queue, buckets. Each role gets the policy.
scheduler_role_names = ["airflow-scheduler-a", "airflow-scheduler-b"]

airflow = {
  execution_api_server_url = "http://airflow.internal:8080/execution/"
  cidrs                    = ["10.0.0.0/16"]
}
