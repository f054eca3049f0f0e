locals {
  url     = "http://localhost:8080"
  cluster = module.airflow.cluster_name
  region  = module.airflow.region

  # Finds a running API server and forwards the local port to it. One line, for a shell with the AWS CLI and its session
  # manager plugin.
  open_command = join(" && ", [
    "export AWS_REGION=${local.region}",
    "TASK=$(aws ecs list-tasks --cluster ${local.cluster} --service-name api --desired-status RUNNING --query 'taskArns[0]' --output text)",
    "RUNTIME=$(aws ecs describe-tasks --cluster ${local.cluster} --tasks \"$TASK\" --query \"tasks[0].containers[?name=='tunnel'].runtimeId | [0]\" --output text)",
    "aws ssm start-session --target \"ecs:${local.cluster}_$${TASK##*/}_$RUNTIME\" --document-name AWS-StartPortForwardingSession --parameters portNumber=8080,localPortNumber=8080",
  ])
}

output "url" {
  value       = local.url
  description = "Address of Airflow's page while open_command runs."
}

output "open_command" {
  value       = var.tunnel ? local.open_command : null
  description = "Shell command that opens the tunnel to Airflow's page. Null without the tunnel."
}

output "admin_secret_arn" {
  value       = module.secrets.arns["admin"]
  description = "Secret with the user and the password of the administrator."
}

output "dags_bucket" {
  value       = module.dags.bucket
  description = "Bucket of the DAGs. Null unless they come from S3."
}

output "database_address" {
  value       = module.database.address
  description = "Host name of the metadata database."
}

output "database_secret_arn" {
  value       = module.database.secret_arn
  description = "Secret with the database's user and password."
}

output "final_snapshot" {
  value       = module.database.final_snapshot
  description = "Name of the snapshot that a destroy keeps. Null: it keeps none."
}

output "name" {
  value       = var.name
  description = "Name of the deployment."
}

output "size" {
  value       = var.size
  description = "small or ha."
}

output "architecture" {
  value       = var.architecture
  description = "X86_64 or ARM64, as both images must be built."
}

output "account_id" {
  value       = data.aws_caller_identity.current.account_id
  description = "The AWS account."
}

output "region" {
  value       = local.region
  description = "The region."
}

output "worker_repository_url" {
  value       = module.airflow.repository_url
  description = "Repository of the worker image. Tags cannot be overwritten."
}

output "control_repository_url" {
  value       = module.control_registry.repository_url
  description = "Repository of the control image. Tags cannot be overwritten."
}

output "images" {
  value       = var.images
  description = "The Airflow release and both images that run. Null before the first push."
}

output "docker_login" {
  value       = module.airflow.docker_login
  description = "Command that logs docker in to both repositories for twelve hours."
}

output "service_names" {
  value       = module.control_plane.service_names
  description = "ECS service of each component. Null values before the first push."
}

output "component_task_definition_arns" {
  value       = module.control_plane.task_definition_arns
  description = "Revision that each component runs. Null values before the first push."
}

output "component_log_group_names" {
  value       = module.control_plane.log_group_names
  description = "Log group of each component."
}

output "component_role_arns" {
  value       = module.control_plane.role_arns
  description = "Role of each component."
}

output "component_security_group_ids" {
  value       = module.discovery.security_group_ids
  description = "Security group of each component."
}

output "component_environment" {
  value       = module.control_plane.environment
  description = "Airflow's settings by component, as environment variables."
}
