output "airflow_cfg" {
  value       = module.airflow.airflow_cfg
  description = "The executor's configuration, for airflow.cfg."
}

output "image" {
  value       = module.airflow.image
  description = "Where the worker image is pushed."
}

output "scheduler_policy_arn" {
  value       = module.airflow.scheduler_policy_arn
  description = "Policy for the role of the scheduler and the API server."
}
