output "airflow_cfg" {
  value       = <<-EOT
    [core]
    executor = airflow_fargate.FargateExecutor

    [fargate]
    region = ${data.aws_region.current.id}
    cluster = ${module.cluster.name}
    task_definition = ${module.worker.family}
    container_name = ${module.worker.container_name}
    security_groups = ${module.worker.security_group_id}
    subnets = ${join(",", module.network.subnet_ids)}
    platform_version = LATEST
    launch_type = FARGATE
    assign_public_ip = DISABLED
    execution_config_function =
  EOT
  description = "The configuration AIP-29 proposed, to the letter."
}

output "repository_url" {
  value       = module.registry.repository_url
  description = "Where the image goes, under the tag v1."
}

output "scheduler_policy_arn" {
  value       = module.scheduler_access.policy_arn
  description = "Policy for the scheduler's role."
}
