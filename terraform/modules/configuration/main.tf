# What Airflow is told. The keys of [fargate] are the executor's own (config_keys.json, generated from its
# options); an output that disagrees with them is refused.

data "aws_region" "current" {}

locals {
  declared = jsondecode(file("${path.module}/../../config_keys.json"))

  # Only what is set: the executor rejects keys with the value null.
  standby_queues = {
    for queue, plan in var.standby : queue => {
      for key, value in {
        min     = plan.min
        max     = plan.max
        windows = length(plan.windows) > 0 ? [for window in plan.windows : { for name, given in window : name => given if given != null }] : null
      } : key => value if value != null
    }
  }

  # null: Terraform knows the option and leaves it at the executor's default.
  options = {
    region            = data.aws_region.current.id
    cluster           = var.cluster.name
    task_definition   = var.worker.family
    container_name    = var.worker.container_name
    security_groups   = var.worker.security_group_id
    subnets           = join(",", var.subnet_ids)
    platform_version  = "LATEST"
    launch_type       = "FARGATE"
    assign_public_ip  = var.assign_public_ip ? "ENABLED" : "DISABLED"
    deployment        = var.deployment
    capacity_chain    = length(var.cluster.capacity_chain) > 0 ? join(",", var.cluster.capacity_chain) : null
    event_queue_url   = var.event_queue_url
    payload_bucket    = try(var.payloads.bucket, null)
    payload_prefix    = try(var.payloads.prefix, null)
    log_group         = var.worker.log_group
    log_stream_prefix = var.worker.log_stream_prefix
    tags              = length(var.tags) > 0 ? jsonencode(var.tags) : null
    task_cpu          = tostring(var.worker.cpu)
    task_memory       = tostring(var.worker.memory)
    standby           = length(local.standby_queues) > 0 ? jsonencode(local.standby_queues) : null
    standby_preload   = length(var.standby_preload) > 0 ? join(",", var.standby_preload) : null
  }

  # An API server that is redeployed is away for minutes. The scheduler waits 600 s for a running task's heartbeat
  # instead of 300; and a task's token is valid for 1800 s instead of 600, because only a successful call in the last
  # fifth of its life renews it. The container's part is in modules/worker.
  outage = {
    scheduler     = { for key, seconds in { task_instance_heartbeat_timeout = "600" } : key => seconds if var.tasks_call_api_server }
    execution_api = { for key, seconds in { jwt_expiration_time = "1800" } : key => seconds if var.tasks_call_api_server }
  }

  settings = merge({
    core                     = { executor = "airflow_fargate.FargateExecutor" }
    (local.declared.section) = { for key, value in local.options : key => value if value != null }
    logging                  = var.worker.logging
  }, local.outage)

  sections = [for section in ["core", local.declared.section, "logging", "scheduler", "execution_api"] : section if length(local.settings[section]) > 0]

  # configparser interpolates: a percent sign of a value is written twice.
  airflow_cfg = join("\n", [
    for section in local.sections : join("\n", concat(
      ["[${section}]"],
      [for key, value in local.settings[section] : "${key} = ${replace(value, "%", "%%")}"],
      [""],
    ))
  ])

  airflow_environment = merge([
    for section, options in local.settings : { for key, value in options : "AIRFLOW__${upper(section)}__${upper(key)}" => value }
  ]...)

  # Environment variables are not interpolated. Docker and systemd read such lines; quotes would be part of the value.
  airflow_env = join("", [for name, value in local.airflow_environment : "${name}=${value}\n"])

  # For the official Helm chart (1.19 or later, which takes any executor). It writes airflow.cfg from this.
  helm_values = yamlencode({
    executor = local.settings.core.executor
    config = { for section in slice(local.sections, 1, length(local.sections)) : section => {
      for key, value in local.settings[section] : key => replace(value, "%", "%%")
    } }
  })

  known_options = toset([for key, option in local.declared.options : key if option.terraform])
  keys_agree    = toset(keys(local.options)) == local.known_options
  keys_differ = join(", ", setunion(
    setsubtract(keys(local.options), local.known_options),
    setsubtract(local.known_options, keys(local.options)),
  ))
}
