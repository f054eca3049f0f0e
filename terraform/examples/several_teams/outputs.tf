locals {
  executor = "airflow_fargate.FargateExecutor"

  # Airflow reads a team's own settings from a section named TEAM=SECTION.
  sections = merge(
    { fargate = module.configuration["shared"].options, logging = module.worker["shared"].settings.logging },
    { for team in keys(var.teams) : "${team}=fargate" => module.configuration[team].options },
  )
}

output "airflow_cfg" {
  value = join("\n", concat(
    ["[core]", "multi_team = True", "executor = ${join(";", concat([local.executor], [for team in keys(var.teams) : "${team}=${local.executor}"]))}", ""],
    flatten([for section, options in local.sections : concat(
      ["[${section}]"],
      [for key, value in options : "${key} = ${replace(value, "%", "%%")}"],
      [""],
    )]),
  ))
  description = "The configuration: the executor for all, and one for each team."
}

output "images" {
  value       = { for team, worker in module.worker : team => worker.image }
  description = "Team -> the image its tasks run."
}

output "scheduler_policy_arns" {
  value       = { for team, access in module.scheduler_access : team => access.policy_arn }
  description = "Team -> policy for the scheduler's role, which needs all of them."
}

output "task_role_arns" {
  value       = { for team, worker in module.worker : team => worker.roles.task }
  description = "Team -> role of its tasks."
}
