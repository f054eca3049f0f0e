output "airflow_cfg" {
  value       = module.configuration.airflow_cfg
  description = "The executor's configuration, for airflow.cfg."
}

output "airflow_env" {
  value       = module.configuration.airflow_env
  description = "The same as environment variables, one NAME=value a line."
}

output "airflow_environment" {
  value       = module.configuration.airflow_environment
  description = "The same as a map of environment variables."
}

output "helm_values" {
  value       = module.configuration.helm_values
  description = "The same as values of the official Helm chart, in YAML."
}

output "image" {
  value       = local.image
  description = "The image that tasks run. Push it under exactly this name."

  precondition {
    condition     = var.worker_image == null || var.existing_network != null || var.nat != "none" || local.pulled_through_endpoints
    error_message = "With nat = none, containers can only pull from ECR in ${data.aws_region.current.id}, got worker_image ${coalesce(var.worker_image, "none")}. Copy the image to ECR in this region, or choose another nat."
  }
}

output "repository_url" {
  value       = module.registry.repository_url
  description = "The deployment's image repository."
}

output "docker_login" {
  value       = "aws ecr get-login-password --region ${data.aws_region.current.id} | docker login --username AWS --password-stdin ${module.registry.registry}"
  description = "Command that logs docker in to the repository for twelve hours."
}

output "region" {
  value       = data.aws_region.current.id
  description = "The region."
}

output "cluster_name" {
  value       = module.cluster.name
  description = "The ECS cluster."
}

output "cluster_arn" {
  value       = module.cluster.arn
  description = "ARN of the ECS cluster."
}

output "task_definition_family" {
  value       = module.worker.family
  description = "Family of the worker's task definition."
}

output "task_definition_arn" {
  value       = module.worker.task_definition_arn
  description = "ARN of the newest revision of that family."
}

output "container_name" {
  value       = module.worker.container_name
  description = "Name of the container that runs Airflow."
}

output "vpc_id" {
  value       = local.network.vpc_id
  description = "The VPC in which tasks run."
}

output "subnet_ids" {
  value       = local.network.subnet_ids
  description = "The subnets in which tasks run."
}

output "assign_public_ip" {
  value       = local.network.assign_public_ip
  description = "Whether each task gets a public address, because its subnets have no other way out."
}

output "https" {
  value       = local.network.https
  description = "Where containers may connect with HTTPS: address ranges, and prefix lists by name."
}

output "security_group_ids" {
  value       = [module.worker.security_group_id]
  description = "Security groups of the tasks. Allow them on Airflow's port."
}

output "log_group_name" {
  value       = module.worker.log.group
  description = "Log group of the containers."
}

output "event_queue_url" {
  value       = module.task_events.queue_url
  description = "Queue of task state changes."
}

output "event_dlq_url" {
  value       = module.task_events.dead_letter_queue_url
  description = "Queue of events that could not be delivered or handled. It should stay empty."
}

output "payload_bucket" {
  value       = module.storage.payloads.bucket
  description = "Bucket through which workloads reach their containers."
}

output "log_bucket" {
  value       = module.storage.logs.bucket
  description = "Bucket of Airflow's task logs."
}

output "dashboard_url" {
  value       = one([for observability in module.observability : observability.dashboard_url])
  description = "The dashboard's page; null without observability."
}

output "kms_key_arn" {
  value       = module.encryption.key_arn
  description = "The deployment's key."
}

output "scheduler_policy_arn" {
  value       = module.scheduler_access.policy_arn
  description = "Policy for the role that runs the scheduler."
}

output "reader_policy_arn" {
  value       = module.scheduler_access.reader_policy_arn
  description = "Policy for the role that runs the API server: it reads task logs and the schedulers' status, and does nothing else."
}

output "triggerer_policy_arn" {
  value       = module.scheduler_access.triggerer_policy_arn
  description = "Policy for the role that runs the triggerer: it writes task logs of deferred tasks."
}

output "task_role_arn" {
  value       = module.worker.roles.task
  description = "Role of the tasks. Attach the policies that your tasks need."
}

output "execution_role_arn" {
  value       = module.worker.roles.execution
  description = "Role that ECS uses to start the containers."
}

output "force_destroy" {
  value       = var.force_destroy
  description = "Whether a destroy also deletes buckets and a repository that are not empty."
}
