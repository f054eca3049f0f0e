# No NAT gateway, no internet gateway, no public subnet: tasks reach AWS through endpoints, and Airflow in the VPC.

provider "aws" {}

module "airflow" {
  source = "../.."

  name                     = var.name
  nat                      = "none"
  execution_api_server_url = "http://airflow.internal:8080/execution/"

  # With the endpoint of Secrets Manager: the module adds it for the secret.
  worker_secrets = {
    AIRFLOW_CONN_WAREHOUSE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse-AbCdEf"
  }

  # What the tasks' own code calls.
  interface_endpoints = ["sts"]
}
