locals {
  services = merge({ api = module.api }, module.component)
}

output "service_names" {
  value       = { for component, service in local.services : component => service.service_name }
  description = "Service of each component; null until the image is known."
}

output "task_definition_arns" {
  value       = { for component, service in local.services : component => service.task_definition_arn }
  description = "Revision that each component runs; null until the image is known."
}

output "role_arns" {
  value       = { for component, service in local.services : component => service.role_arn }
  description = "Role of each component."
}

output "log_group_names" {
  value       = { for component, service in local.services : component => service.log_group_name }
  description = "Log group of each component."
}

output "environment" {
  value       = local.environment
  description = "Airflow's settings by component, as environment variables, without `environment`."
}
