output "family" {
  value       = aws_ecs_task_definition.worker.family
  description = "Family of the task definition. RunTask with a family uses its newest revision."
}

output "task_definition_arn" {
  value       = aws_ecs_task_definition.worker.arn
  description = "ARN of the newest revision."
}

output "container_name" {
  value       = local.container.name
  description = "Name of the container that runs Airflow."
}

output "image" {
  value       = local.container.image
  description = "The image."
}

output "repository_arn" {
  value       = local.repository_arn
  description = "ARN of the image's repository; null if it is not in a private ECR repository."
}

output "settings" {
  value = {
    family            = aws_ecs_task_definition.worker.family
    container_name    = local.container.name
    security_group_id = aws_security_group.worker.id
    cpu               = var.cpu
    memory            = var.memory
    log_group         = aws_cloudwatch_log_group.worker.name
    log_stream_prefix = local.container.logConfiguration.options["awslogs-stream-prefix"]
    logging           = local.logging
  }
  description = "What Airflow needs to know about the worker: settings for the executor, and the options of [logging]."

  # A task cannot pull its image before these rules exist.
  depends_on = [aws_vpc_security_group_egress_rule.worker]
}

output "roles" {
  value = {
    task      = aws_iam_role.task.arn
    execution = aws_iam_role.execution.arn
  }
  description = "ARNs of the roles that RunTask passes: task role and execution role."

  # A role without its policies starts tasks that fail.
  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution]
}

output "security_group_id" {
  value       = aws_security_group.worker.id
  description = "Security group of the tasks. Allow it on Airflow's port."

  depends_on = [aws_vpc_security_group_egress_rule.worker]
}

output "log" {
  value = {
    group         = aws_cloudwatch_log_group.worker.name
    group_arn     = aws_cloudwatch_log_group.worker.arn
    stream_prefix = local.container.logConfiguration.options["awslogs-stream-prefix"]
  }
  description = "Where the containers' output is."
}

output "environment" {
  value       = { for variable in local.container.environment : variable.name => variable.value }
  description = "Environment of the container."
}

output "egress" {
  value       = { for key, rule in local.egress : key => rule.port }
  description = "The egress rules: purpose and target -> port."
}
