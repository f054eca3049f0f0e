# Composition only: what belongs together is in modules/, who gets what from whom is here.

data "aws_region" "current" {}

locals {
  # Exactly one of the two modules stands.
  network = one(concat(values(module.network), values(module.existing_network)))

  new_network      = { for key, network in { network = var.network } : key => network if network.existing == null }
  existing_network = { for key, network in { network = var.network } : key => network.existing if network.existing != null }

  url_port = try(
    tonumber(regex("^https?://[^/:]+:([0-9]+)/", var.airflow.execution_api_server_url)[0]),
    startswith(coalesce(var.airflow.execution_api_server_url, "http://"), "https://") ? 443 : 80,
  )

  # What is pushed has a name; what runs is exactly one image, once its digest is known.
  image = coalesce(var.worker.image, "${module.registry.repository_url}:${var.worker.image_tag}")
  runs = join("@", compact([
    var.image_digest == null ? local.image : regex("^(.*?)(?::[^:/@]+)?(?:@.*)?$", local.image)[0],
    try(regex("sha256:[0-9a-f]{64}$", var.image_digest), null),
  ]))

  # Where nothing is said of Airflow, no way to it is opened; the check below says so.
  airflow_named    = var.airflow.execution_api_server_url != null || var.airflow.port != null
  airflow_anywhere = local.airflow_named && length(var.airflow.cidrs) + length(var.airflow.security_group_ids) == 0
}

check "tasks_can_reach_airflow" {
  assert {
    condition     = local.airflow_named
    error_message = "Tasks will find no Airflow: set airflow.execution_api_server_url (Airflow 3), or airflow.port and worker.secrets (2.11)."
  }
}

module "encryption" {
  source = "./modules/encryption"

  name                 = var.name
  deletion_window_days = var.force_destroy ? 7 : 30
}

module "network" {
  source   = "./modules/network"
  for_each = local.new_network

  name                 = var.name
  cidr                 = each.value.cidr
  zones                = each.value.zones
  nat                  = each.value.nat
  endpoints            = each.value.endpoints
  kms_key_arn          = module.encryption.key_arn
  log_retention_days   = var.retention.log_days
  permissions_boundary = var.permissions_boundary
}

module "existing_network" {
  source   = "./modules/existing_network"
  for_each = local.existing_network

  vpc_id     = each.value.vpc_id
  subnet_ids = each.value.subnet_ids
}

module "storage" {
  source = "./modules/storage"

  name                   = var.name
  kms_key_arn            = module.encryption.key_arn
  payload_retention_days = var.retention.payload_days
  log_retention_days     = var.retention.log_days
  force_destroy          = var.force_destroy
}

module "cluster" {
  source = "./modules/cluster"

  name               = var.name
  capacity           = var.capacity
  container_insights = try(var.observability.container_insights, "enabled")
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.retention.log_days
}

module "registry" {
  source = "./modules/registry"

  name          = var.name
  kms_key_arn   = module.encryption.key_arn
  kept_images   = var.retention.images
  force_destroy = var.force_destroy
}

module "worker" {
  source = "./modules/worker"

  name = var.name
  size = {
    cpu                   = var.worker.cpu
    memory                = var.worker.memory
    architecture          = var.worker.architecture
    ephemeral_storage_gib = var.worker.ephemeral_storage_gib
  }

  image                    = local.runs
  repository_arn           = module.registry.repository_arn
  execution_api_server_url = var.airflow.execution_api_server_url
  environment              = var.worker.environment
  secrets                  = var.worker.secrets
  secrets_kms_key_arns     = var.worker.secrets_kms_key_arns
  task_policy_arns         = var.worker.task_policy_arns
  permissions_boundary     = var.permissions_boundary

  network = {
    vpc_id = local.network.vpc_id
    https  = local.network.https
    airflow = {
      port               = coalesce(var.airflow.port, local.url_port)
      cidrs              = local.airflow_anywhere ? [local.network.cidr] : var.airflow.cidrs
      security_group_ids = var.airflow.security_group_ids
    }
  }

  payloads           = module.storage.payloads
  logs               = module.storage.logs
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.retention.log_days
}

module "task_events" {
  source = "./modules/task_events"

  name           = var.name
  cluster_arn    = module.cluster.arn
  kms_key_arn    = module.encryption.key_arn
  retention_days = var.retention.event_days
}

module "scheduler_access" {
  source = "./modules/scheduler_access"

  name             = var.name
  cluster_arn      = module.cluster.arn
  family           = module.worker.family
  passed_role_arns = values(module.worker.roles)
  queue            = module.task_events.queue
  payloads         = module.storage.payloads
  logs             = module.storage.logs
  log_group_arn    = module.worker.log.group_arn
  repository_arn   = module.registry.repository_arn

  role_names           = var.scheduler_role_names
  triggerer_role_names = var.triggerer_role_names
}

module "observability" {
  source   = "./modules/observability"
  for_each = { for key, wanted in { observability = var.observability } : key => wanted if wanted != null }

  name               = var.name
  cluster            = { name = module.cluster.name, arn = module.cluster.arn }
  family             = module.worker.family
  queues             = { events = module.task_events.queue_name, dead_letter = module.task_events.dead_letter_queue_name }
  rule_name          = module.task_events.rule_name
  kms_key_arn        = module.encryption.key_arn
  log_retention_days = var.retention.log_days
  budget             = each.value.budget
  prices             = { for price, usd in each.value.prices : price => usd if usd != null }

  alarms = {
    sns_topic_arn     = each.value.sns_topic_arn
    queue_age_seconds = each.value.queue_age_seconds
    failed_launches   = each.value.failed_launches
  }
}

module "configuration" {
  source = "./modules/configuration"

  deployment      = var.name
  cluster         = { name = module.cluster.name, capacity_chain = module.cluster.capacity_chain }
  worker          = module.worker.settings
  subnet_ids      = local.network.subnet_ids
  event_queue_url = module.task_events.queue_url
  payloads        = module.storage.payloads
  tags            = var.tags
}
