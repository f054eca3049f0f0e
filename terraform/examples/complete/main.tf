# The deployment of the README: the provider, and the module with its most common inputs. Add any other input of the module
# (../../README.md) to the block below.

provider "aws" {
  region = var.region
}

module "airflow" {
  source = "../.."

  name = var.name
  tags = var.tags

  nat                      = var.nat
  execution_api_server_url = var.execution_api_server_url
  airflow_port             = var.airflow_port
  airflow_cidrs            = var.airflow_cidrs

  pushed_image       = var.pushed_image
  worker_image_tag   = var.worker_image_tag
  worker_environment = var.worker_environment
  worker_secrets     = var.worker_secrets

  scheduler_role_names = var.scheduler_role_names
  triggerer_role_names = var.triggerer_role_names

  observability = var.observability
  force_destroy = var.force_destroy
}
