# Composition only; resources are in modules/. There is no provider block: the calling configuration has it
# (examples/complete).

data "aws_region" "current" {}

locals {
  tags = merge(var.tags, { "airflow-fargate" = var.name })

  # Exactly one of the two modules exists.
  network = one(concat(values(module.network), values(module.existing_network)))

  new_network      = { for key in ["network"] : key => true if var.existing_network == null }
  existing_network = { for key, network in { network = var.existing_network } : key => network if network != null }

  url_port = try(
    tonumber(regex("^https?://[^/:]+:([0-9]+)/", var.execution_api_server_url)[0]),
    startswith(coalesce(var.execution_api_server_url, "http://"), "https://") ? 443 : 80,
  )

  # If Airflow's address is not set, no port is opened, and the check below warns.
  airflow_named    = var.execution_api_server_url != null || var.airflow_port != null
  airflow_anywhere = local.airflow_named && length(var.airflow_cidrs) + length(var.airflow_security_group_ids) == 0

  standby = length(var.standby) > 0

  container_insights = coalesce(var.container_insights, var.observability ? "enabled" : "disabled")

  # What ECS calls to start a container.
  needed_endpoints = concat(
    ["ecr.api", "ecr.dkr", "logs"],
    length(var.worker_secrets) > 0 || var.worker_image_credentials_arn != null ? ["secretsmanager"] : [],
    length(var.worker_parameters) > 0 ? ["ssm"] : [],
    length(var.worker_secrets_kms_key_arns) > 0 ? ["kms"] : [],
  )
}

check "tasks_can_reach_airflow" {
  assert {
    condition     = local.airflow_named
    error_message = "Tasks cannot reach Airflow. Set execution_api_server_url (Airflow 3), or airflow_port and worker_secrets (2.11)."
  }
}

check "observability_is_on" {
  assert {
    condition     = var.observability || (var.budget == null && var.alarm_sns_topic_arn == null)
    error_message = "budget and alarm_sns_topic_arn have no effect without observability. Set observability = true, or remove them."
  }
}

module "encryption" {
  source = "./modules/encryption"

  name                 = var.name
  deletion_window_days = var.force_destroy ? 7 : 30
  tags                 = local.tags
}

module "network" {
  source   = "./modules/network"
  for_each = local.new_network

  name                 = var.name
  cidr                 = var.vpc_cidr
  zones                = var.availability_zones
  nat                  = var.nat
  needed_endpoints     = local.needed_endpoints
  endpoints            = var.interface_endpoints
  flow_log             = var.flow_log
  kms_key_arn          = module.encryption.key_arn
  log_retention_days   = var.log_retention_days
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}

module "existing_network" {
  source   = "./modules/existing_network"
  for_each = local.existing_network

  vpc_id           = each.value.vpc_id
  subnet_ids       = each.value.subnet_ids
  assign_public_ip = var.assign_public_ip
}

module "storage" {
  source = "./modules/storage"

  name                   = var.name
  kms_key_arn            = module.encryption.key_arn
  payload_retention_days = var.payload_retention_days
  log_retention_days     = var.log_retention_days
  force_destroy          = var.force_destroy
  tags                   = local.tags
}

module "cluster" {
  source = "./modules/cluster"

  name               = var.name
  capacity           = var.capacity
  container_insights = local.container_insights
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
  tags               = local.tags
}

module "registry" {
  source = "./modules/registry"

  name          = var.name
  kms_key_arn   = module.encryption.key_arn
  kept_images   = var.kept_images
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "worker" {
  source = "./modules/worker"

  name                  = var.name
  cpu                   = var.worker_cpu
  memory                = var.worker_memory
  architecture          = var.worker_architecture
  ephemeral_storage_gib = var.worker_ephemeral_storage_gib

  image                      = local.runs
  keep_revisions             = var.worker_keep_revisions
  pull_through_cache         = var.worker_image_pull_through_cache
  repository_credentials_arn = var.worker_image_credentials_arn

  execution_api_server_url = var.execution_api_server_url
  environment              = var.worker_environment
  secrets                  = var.worker_secrets
  parameters               = var.worker_parameters
  secrets_kms_key_arns     = var.worker_secrets_kms_key_arns
  task_policy_arns         = var.task_policy_arns
  permissions_boundary     = var.permissions_boundary

  vpc_id = local.network.vpc_id
  https  = local.network.https

  airflow = {
    port               = coalesce(var.airflow_port, local.url_port)
    cidrs              = local.airflow_anywhere ? toset(local.network.cidrs) : var.airflow_cidrs
    security_group_ids = var.airflow_security_group_ids
  }

  egress_cidrs           = var.egress_cidrs
  egress_security_groups = var.egress_security_groups

  payloads           = module.storage.payloads
  standby            = local.standby
  logs               = module.storage.logs
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
  tags               = local.tags
}

module "task_events" {
  source = "./modules/task_events"

  name           = var.name
  cluster_arn    = module.cluster.arn
  kms_key_arn    = module.encryption.key_arn
  retention_days = var.event_retention_days
  tags           = local.tags
}

module "scheduler_access" {
  source = "./modules/scheduler_access"

  name             = var.name
  cluster_arn      = module.cluster.arn
  family           = module.worker.family
  passed_role_arns = values(module.worker.roles)
  queue            = module.task_events.queue
  payloads         = module.storage.payloads
  standby          = local.standby
  logs             = module.storage.logs
  log_group_arn    = module.worker.log.group_arn
  repository_arn   = module.worker.repository_arn
  tags             = local.tags

  role_names            = var.scheduler_role_names
  api_server_role_names = var.api_server_role_names
  triggerer_role_names  = var.triggerer_role_names
}

module "observability" {
  source   = "./modules/observability"
  for_each = { for key in ["observability"] : key => true if var.observability }

  name               = var.name
  cluster            = { name = module.cluster.name, arn = module.cluster.arn }
  family             = module.worker.family
  queues             = { events = module.task_events.queue_name, dead_letter = module.task_events.dead_letter_queue_name }
  rule_name          = module.task_events.rule_name
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.log_retention_days
  own_log_policy     = var.own_log_policy
  budget             = var.budget
  price_vcpu_hour    = var.price_vcpu_hour
  price_gb_hour      = var.price_gb_hour
  tags               = local.tags

  alarm_sns_topic_arn     = var.alarm_sns_topic_arn
  alarm_queue_age_seconds = var.alarm_queue_age_seconds
  alarm_failed_launches   = var.alarm_failed_launches
}

module "configuration" {
  source = "./modules/configuration"

  deployment            = var.name
  cluster               = { name = module.cluster.name, capacity_chain = module.cluster.capacity_chain }
  worker                = module.worker.settings
  subnet_ids            = local.network.subnet_ids
  assign_public_ip      = local.network.assign_public_ip
  tasks_call_api_server = var.execution_api_server_url != null
  event_queue_url       = module.task_events.queue_url
  payloads              = module.storage.payloads
  standby               = var.standby
  standby_preload       = var.standby_preload
  tags                  = var.tags
}
