# The ten keys of AIP-29 and nothing more: no queue, no bucket. The executor polls, workloads (with their tokens) are in the
# container override, and logs are only in CloudWatch. For reading, not for production.

provider "aws" {}

data "aws_region" "current" {}

module "encryption" {
  source = "../../modules/encryption"

  name                 = var.name
  deletion_window_days = 7
}

module "network" {
  source = "../../modules/network"

  name        = var.name
  kms_key_arn = module.encryption.key_arn
}

module "cluster" {
  source = "../../modules/cluster"

  name        = var.name
  kms_key_arn = module.encryption.key_arn
}

module "registry" {
  source = "../../modules/registry"

  name          = var.name
  kms_key_arn   = module.encryption.key_arn
  force_destroy = true
}

module "worker" {
  source = "../../modules/worker"

  name        = var.name
  image       = "${module.registry.repository_url}:v1"
  kms_key_arn = module.encryption.key_arn

  execution_api_server_url = var.execution_api_server_url

  vpc_id  = module.network.vpc_id
  https   = module.network.https
  airflow = { port = 8080, cidrs = module.network.cidrs, security_group_ids = {} }
}

module "scheduler_access" {
  source = "../../modules/scheduler_access"

  name             = var.name
  cluster_arn      = module.cluster.arn
  family           = module.worker.family
  passed_role_arns = values(module.worker.roles)
  log_group_arn    = module.worker.log.group_arn
  repository_arn   = module.registry.repository_arn
}
