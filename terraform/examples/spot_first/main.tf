# Spot if there is capacity, otherwise On-Demand. A launch tries both without using up the task's retries.

provider "aws" {}

module "airflow" {
  source = "../.."

  name                     = var.name
  capacity                 = ["FARGATE_SPOT", "FARGATE"]
  execution_api_server_url = "http://airflow.internal:8080/execution/"

  # Spot tasks are interrupted with two minutes' notice, so watch them.
  observability   = true
  price_vcpu_hour = 0.0125
  price_gb_hour   = 0.00137
}
