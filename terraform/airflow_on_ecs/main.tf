# Airflow itself on ECS, beside the tasks that it launches: the module in terraform/ for the tasks, and Airflow's four
# components, its database, its secrets and its DAGs around it. The first apply makes everything but the services; they
# need the images, which are pushed to repositories of that apply.

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

locals {
  tags = merge(var.tags, { "airflow-fargate" = var.name })

  size = {
    small = { nat = "single", instance_class = "db.t4g.micro", multi_az = false }
    ha    = { nat = "per_zone", instance_class = "db.t4g.medium", multi_az = true }
  }[var.size]

  nat = coalesce(var.nat, local.size.nat)

  # Without a way out, Airflow's components reach AWS through these; the tasks' own endpoints come from the module.
  component_endpoints = local.nat == "none" && var.existing_network == null ? ["ecs", "sqs", "secretsmanager", "ssmmessages", "ec2"] : []
}

module "airflow" {
  source = "../"

  name          = var.name
  tags          = var.tags
  capacity      = var.capacity
  force_destroy = var.force_destroy

  # Network. Tasks reach the API server by its security group, not by the VPC's range.
  vpc_cidr                   = var.vpc_cidr
  availability_zones         = var.availability_zones
  nat                        = local.nat
  interface_endpoints        = setunion(var.interface_endpoints, local.component_endpoints)
  flow_log                   = var.flow_log
  existing_network           = var.existing_network
  assign_public_ip           = var.assign_public_ip
  execution_api_server_url   = module.discovery.execution_url
  airflow_security_group_ids = { api = module.discovery.security_group_ids["api"] }
  egress_cidrs               = var.egress_cidrs
  egress_security_groups     = var.egress_security_groups

  # Tasks. The scheduler launches the revision that it was deployed with, so older ones must stay active.
  worker_keep_revisions = true

  worker_cpu          = var.worker_cpu
  worker_memory       = var.worker_memory
  worker_architecture = var.architecture
  worker_image_tag    = local.worker_tag
  pushed_image        = try(var.images.worker, null)
  worker_environment  = merge({ AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST = module.dags.bundle_config }, var.worker_environment)
  worker_secrets      = var.worker_secrets
  task_policy_arns    = merge(var.task_policy_arns, module.dags.policy_arns)

  worker_secrets_kms_key_arns = var.worker_secrets_kms_key_arns

  standby         = var.standby
  standby_preload = var.standby_preload

  # Care
  observability        = var.observability
  log_retention_days   = var.log_retention_days
  permissions_boundary = var.permissions_boundary
}

module "discovery" {
  source = "../modules/discovery"

  name   = var.name
  vpc_id = module.airflow.vpc_id
  tags   = local.tags
}

module "dags" {
  source = "../modules/dags"

  name          = var.name
  source_kind   = var.dags_source
  git           = var.dags_git
  kms_key_arn   = module.airflow.kms_key_arn
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "secrets" {
  source = "../modules/secrets"

  name        = var.name
  kms_key_arn = module.airflow.kms_key_arn
  generations = var.secret_generations
  tags        = local.tags
}

module "database" {
  source = "../modules/database"

  name                      = var.name
  vpc_id                    = module.airflow.vpc_id
  subnet_ids                = module.airflow.subnet_ids
  client_security_group_ids = module.discovery.security_group_ids
  instance_class            = coalesce(var.database_instance_class, local.size.instance_class)
  multi_az                  = local.size.multi_az
  storage_gib               = var.database_storage_gib
  backup_days               = var.database_backup_days
  final_snapshot            = var.database_final_snapshot
  deletion_protection       = var.database_deletion_protection
  kms_key_arn               = module.airflow.kms_key_arn
  tags                      = local.tags
}

module "control_registry" {
  source = "../modules/registry"

  name          = var.name
  image         = "control"
  kms_key_arn   = module.airflow.kms_key_arn
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "control_plane" {
  source = "../modules/control_plane"

  name           = var.name
  size           = var.size
  image          = local.control_image
  repository_arn = module.control_registry.repository_arn
  architecture   = var.architecture
  tunnel         = var.tunnel

  # Settings
  airflow_environment        = module.airflow.airflow_environment
  worker_task_definition_arn = module.airflow.task_definition_arn
  execution_url              = module.discovery.execution_url
  base_url                   = local.url
  bundle_config              = module.dags.bundle_config
  environment                = var.environment

  # What the components use
  database = {
    address           = module.database.address
    name              = module.database.database_name
    secret_arn        = module.database.secret_arn
    security_group_id = module.database.security_group_id
  }
  secrets = {
    arns               = module.secrets.arns
    fernet_was_rotated = module.secrets.fernet_was_rotated
  }

  # Rights
  scheduler_policy_arn       = module.airflow.scheduler_policy_arn
  reader_policy_arn          = module.airflow.reader_policy_arn
  triggerer_policy_arn       = module.airflow.triggerer_policy_arn
  triggerer_task_policy_arns = var.task_policy_arns
  dags_policy_arns           = module.dags.policy_arns
  permissions_boundary       = var.permissions_boundary
  kms_key_arn                = module.airflow.kms_key_arn

  # Network
  cluster_arn              = module.airflow.cluster_arn
  subnet_ids               = module.airflow.subnet_ids
  assign_public_ip         = module.airflow.assign_public_ip
  https                    = module.airflow.https
  security_group_ids       = module.discovery.security_group_ids
  worker_security_group_id = module.airflow.security_group_ids[0]
  registry_arn             = module.discovery.registry_arn

  wait_for_steady_state = var.wait_for_steady_state
  log_retention_days    = var.log_retention_days
  tags                  = local.tags
}
