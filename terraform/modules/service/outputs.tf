output "service_name" {
  value       = one([for service in aws_ecs_service.component : service.name])
  description = "Name of the service. Null until the image is known."
}

output "task_definition_arn" {
  value       = one([for definition in aws_ecs_task_definition.component : definition.arn])
  description = "Newest revision of the task definition. Null until the image is known."
}

output "log_group_name" {
  value       = aws_cloudwatch_log_group.component.name
  description = "Log group of the containers. Streams begin with the component's name."
}

output "role_arn" {
  value       = aws_iam_role.task.arn
  description = "Role of the component."
}
