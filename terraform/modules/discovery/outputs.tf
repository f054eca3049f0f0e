output "execution_url" {
  # Written from the names, so that it is known before the namespace exists.
  value       = "http://api.${var.name}.airflow.internal:8080/execution/"
  description = "Address of the API server, as tasks reach it."
}

output "registry_arn" {
  value       = aws_service_discovery_service.api.arn
  description = "Cloud Map service in which ECS registers the API server."
}

output "security_group_ids" {
  value       = { for component, group in aws_security_group.component : component => group.id }
  description = "Security group of each component: api, scheduler, dag-processor, triggerer. Their rules are in modules/service."
}
