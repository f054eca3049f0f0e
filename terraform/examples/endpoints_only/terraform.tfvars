# No NAT gateway, no internet gateway, no public subnet: tasks reach AWS through endpoints, and Airflow in the VPC.
network = {
  nat       = "none"
  endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
}

airflow = {
  execution_api_server_url = "http://airflow.internal:8080/execution/"
}
