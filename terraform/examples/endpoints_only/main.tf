# No NAT gateway, no internet gateway, no public subnet: tasks reach AWS through endpoints, and Airflow inside the VPC.

provider "aws" {}

module "airflow" {
  source = "../.."

  name                     = var.name
  nat                      = "none"
  execution_api_server_url = "http://airflow.internal:8080/execution/"

  # The module adds the endpoint of Secrets Manager, because there is a secret.
  worker_secrets = {
    AIRFLOW_CONN_WAREHOUSE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse-AbCdEf"
  }

  # For the tasks' own code.
  interface_endpoints = ["sts"]
}
