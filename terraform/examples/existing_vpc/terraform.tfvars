# Airflow already runs here; tasks join it.
network = {
  existing = {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]
  }
}

# Tasks may go to Airflow's own security group at the API server's port, and nowhere else but with HTTPS.
airflow = {
  execution_api_server_url = "http://airflow.internal:8080/execution/"
  security_group_ids       = ["sg-0123456789abcdef0"]
}
