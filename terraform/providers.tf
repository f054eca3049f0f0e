provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ "airflow-fargate" = var.name }, var.tags)
  }
}
