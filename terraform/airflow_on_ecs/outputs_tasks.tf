# What the module for the tasks gives: the executor's settings, and what the commands read.

output "airflow_cfg" {
  value       = module.airflow.airflow_cfg
  description = "The executor's configuration, for airflow.cfg."
}

output "airflow_env" {
  value       = module.airflow.airflow_env
  description = "The same as environment variables, one NAME=value a line."
}

output "airflow_environment" {
  value       = module.airflow.airflow_environment
  description = "The same as a map of environment variables."
}

output "cluster_name" {
  value       = module.airflow.cluster_name
  description = "The ECS cluster."
}

output "cluster_arn" {
  value       = module.airflow.cluster_arn
  description = "ARN of the ECS cluster."
}

output "task_definition_family" {
  value       = module.airflow.task_definition_family
  description = "Family of the worker's task definition."
}

output "task_definition_arn" {
  value       = module.airflow.task_definition_arn
  description = "ARN of the newest revision of that family."
}

output "container_name" {
  value       = module.airflow.container_name
  description = "Name of the container that runs Airflow."
}

output "vpc_id" {
  value       = module.airflow.vpc_id
  description = "The VPC in which tasks run."
}

output "subnet_ids" {
  value       = module.airflow.subnet_ids
  description = "The subnets in which tasks run."
}

output "assign_public_ip" {
  value       = module.airflow.assign_public_ip
  description = "Whether each task gets a public address, because its subnets have no other way out."
}

output "security_group_ids" {
  value       = module.airflow.security_group_ids
  description = "Security groups of the tasks. Allow them on Airflow's port."
}

output "log_group_name" {
  value       = module.airflow.log_group_name
  description = "Log group of the containers."
}

output "event_queue_url" {
  value       = module.airflow.event_queue_url
  description = "Queue of task state changes."
}

output "event_dlq_url" {
  value       = module.airflow.event_dlq_url
  description = "Queue of events that could not be delivered or handled. It should stay empty."
}

output "payload_bucket" {
  value       = module.airflow.payload_bucket
  description = "Bucket through which workloads reach their containers."
}

output "log_bucket" {
  value       = module.airflow.log_bucket
  description = "Bucket of Airflow's task logs."
}

output "repository_url" {
  value       = module.airflow.repository_url
  description = "The deployment's image repository."
}

output "kms_key_arn" {
  value       = module.airflow.kms_key_arn
  description = "The deployment's key."
}

output "scheduler_policy_arn" {
  value       = module.airflow.scheduler_policy_arn
  description = "Policy for the role that runs the scheduler."
}

output "reader_policy_arn" {
  value       = module.airflow.reader_policy_arn
  description = "Policy for the role that runs the API server: it reads task logs and the schedulers' status, and does nothing else."
}

output "triggerer_policy_arn" {
  value       = module.airflow.triggerer_policy_arn
  description = "Policy for the role that runs the triggerer: it writes task logs of deferred tasks."
}

output "task_role_arn" {
  value       = module.airflow.task_role_arn
  description = "Role of the tasks. Attach the policies that your tasks need."
}

output "execution_role_arn" {
  value       = module.airflow.execution_role_arn
  description = "Role that ECS uses to start the containers."
}

output "dashboard_url" {
  value       = module.airflow.dashboard_url
  description = "The dashboard's page; null without observability."
}

output "force_destroy" {
  value       = module.airflow.force_destroy
  description = "Whether a destroy also deletes buckets and a repository that are not empty."
}
