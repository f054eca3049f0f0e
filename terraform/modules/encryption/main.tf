# One key for the deployment. Its policy names the two services that use it on their own behalf. The first statement lets IAM
# policies grant it to everyone else.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
}

resource "aws_kms_key" "deployment" {
  description             = "airflow-fargate ${var.name}: payloads, logs, task events, images"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountThroughIAM"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogGroupsOfThisDeployment"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.${data.aws_partition.current.dns_suffix}" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              for group in ["/airflow-fargate/${var.name}/*", "/aws/events/airflow-fargate/${var.name}"] :
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}"
            ]
          }
        }
      },
      {
        Sid       = "TaskEventQueuesOfThisDeployment"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:sqs:arn" = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-task-events*"
          }
        }
      },
    ]
  })

  tags = var.tags
}

resource "aws_kms_alias" "deployment" {
  name          = "alias/airflow-fargate/${var.name}"
  target_key_id = aws_kms_key.deployment.key_id
}
