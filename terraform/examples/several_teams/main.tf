# One Airflow, several teams (Airflow 3.2 and later, multi_team): one network, and for each team a cluster, a queue,
# a payload bucket, a key and roles of its own. A team's tasks cannot fetch another's payloads or use its permissions.
# Logs are in one bucket for all: Airflow's page reads them from one place.

provider "aws" {}

locals {
  # Tasks without a team run in "shared", the executor that Airflow requires for everyone.
  deployments = { for team, wanted in merge({ shared = {} }, var.teams) : team => merge(wanted, { name = "${var.name}-${team}" }) }

  tags = { "airflow-fargate" = var.name }
}

module "network_encryption" {
  source = "../../modules/encryption"

  name                 = var.name
  deletion_window_days = var.force_destroy ? 7 : 30
  tags                 = local.tags
}

module "network" {
  source = "../../modules/network"

  name        = var.name
  kms_key_arn = module.network_encryption.key_arn
  tags        = local.tags
}

module "encryption" {
  source   = "../../modules/encryption"
  for_each = local.deployments

  name                 = each.value.name
  deletion_window_days = var.force_destroy ? 7 : 30
  tags                 = local.tags
}

module "storage" {
  source   = "../../modules/storage"
  for_each = local.deployments

  name          = each.value.name
  kms_key_arn   = module.encryption[each.key].key_arn
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "cluster" {
  source   = "../../modules/cluster"
  for_each = local.deployments

  name        = each.value.name
  capacity    = try(each.value.capacity, ["FARGATE"])
  kms_key_arn = module.encryption[each.key].key_arn
  tags        = local.tags
}

module "registry" {
  source   = "../../modules/registry"
  for_each = local.deployments

  name          = each.value.name
  kms_key_arn   = module.encryption[each.key].key_arn
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "worker" {
  source   = "../../modules/worker"
  for_each = local.deployments

  name                     = each.value.name
  cpu                      = try(each.value.cpu, 1024)
  memory                   = try(each.value.memory, 2048)
  image                    = "${module.registry[each.key].repository_url}:v1"
  execution_api_server_url = var.execution_api_server_url
  task_policy_arns         = try(each.value.task_policy_arns, {})
  payloads                 = module.storage[each.key].payloads
  logs                     = module.storage["shared"].logs
  kms_key_arn              = module.encryption[each.key].key_arn

  vpc_id  = module.network.vpc_id
  https   = module.network.https
  airflow = { port = 8080, cidrs = module.network.cidrs, security_group_ids = {} }
  tags    = local.tags
}

module "task_events" {
  source   = "../../modules/task_events"
  for_each = local.deployments

  name        = each.value.name
  cluster_arn = module.cluster[each.key].arn
  kms_key_arn = module.encryption[each.key].key_arn
  tags        = local.tags
}

module "scheduler_access" {
  source   = "../../modules/scheduler_access"
  for_each = local.deployments

  name             = each.value.name
  cluster_arn      = module.cluster[each.key].arn
  family           = module.worker[each.key].family
  passed_role_arns = values(module.worker[each.key].roles)
  queue            = module.task_events[each.key].queue
  payloads         = module.storage[each.key].payloads
  logs             = module.storage["shared"].logs
  log_group_arn    = module.worker[each.key].log.group_arn
  repository_arn   = module.registry[each.key].repository_arn
  role_names       = var.scheduler_role_names
  tags             = local.tags
}

module "configuration" {
  source   = "../../modules/configuration"
  for_each = local.deployments

  deployment      = each.value.name
  cluster         = { name = module.cluster[each.key].name, capacity_chain = module.cluster[each.key].capacity_chain }
  worker          = module.worker[each.key].settings
  subnet_ids      = module.network.subnet_ids
  event_queue_url = module.task_events[each.key].queue_url
  payloads        = module.storage[each.key].payloads
  tags            = { team = each.key }
}
