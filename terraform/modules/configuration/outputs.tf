output "airflow_cfg" {
  value       = local.airflow_cfg
  description = "The executor's configuration, for airflow.cfg."

  precondition {
    condition     = local.keys_agree
    error_message = "Terraform and the executor disagree about the options of [fargate]: ${local.keys_differ}. Update modules/configuration or config_keys.json."
  }
}

output "airflow_env" {
  value       = local.airflow_env
  description = "The same as environment variables, one NAME=value a line."
}

output "airflow_environment" {
  value       = local.airflow_environment
  description = "The same as a map of environment variables."
}

output "helm_values" {
  value       = local.helm_values
  description = "The same as values of the official Helm chart, in YAML."
}

output "options" {
  value       = local.settings[local.declared.section]
  description = "The options of [fargate] that are set, for a configuration file of your own (several teams, for example)."
}
