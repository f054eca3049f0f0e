# Spot while there is some, On-Demand when there is none: a launch goes along the chain, at no cost to the task's tries.

provider "aws" {}

module "airflow" {
  source = "../.."

  name                     = var.name
  capacity                 = ["FARGATE_SPOT", "FARGATE"]
  execution_api_server_url = "http://airflow.internal:8080/execution/"

  # Spot tasks are interrupted with two minutes' notice: worth watching.
  observability   = true
  price_vcpu_hour = 0.0125
  price_gb_hour   = 0.00137
}
