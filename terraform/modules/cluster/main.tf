resource "aws_ecs_cluster" "airflow" {
  #checkov:skip=CKV_AWS_65:container_insights turns it on; it bills each metric, so it comes with the dashboard or on request.
  name = var.name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  # The executor never turns ECS Exec on. If someone does, sessions are encrypted and logged.
  configuration {
    execute_command_configuration {
      kms_key_id = var.kms_key_arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec.name
      }
    }
  }

  tags = var.tags
}

# Both are always attached: an unused provider costs nothing, and a task may choose either one.
resource "aws_ecs_cluster_capacity_providers" "airflow" {
  cluster_name       = aws_ecs_cluster.airflow.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = var.capacity[0]
    weight            = 1
  }
}

resource "aws_cloudwatch_log_group" "exec" {
  name              = "/airflow-fargate/${var.name}/exec"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days

  tags = var.tags
}
