# Two schedulers for one Airflow share everything: cluster, queue, buckets. Each role gets the policy.

provider "aws" {}

resource "aws_iam_role" "scheduler" {
  for_each = toset(["a", "b"])

  name = "${var.name}-scheduler-${each.key}"

  # Schedulers on EC2; on ECS or EKS their roles trust another service.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

module "airflow" {
  source = "../.."

  name                     = var.name
  execution_api_server_url = "http://airflow.internal:8080/execution/"
  airflow_cidrs            = ["10.0.0.0/16"]
  scheduler_role_names     = [for role in aws_iam_role.scheduler : role.name]
}
