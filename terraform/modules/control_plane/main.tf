# Airflow's four components, each a service. The API server's init container prepares the database, so the other three
# come after it, at the first apply and at each new image.

locals {
  # cpu and memory of one container, and how many run.
  sizes = {
    small = {
      api           = { cpu = 512, memory = 2048, count = 1 }
      scheduler     = { cpu = 512, memory = 1024, count = 1 }
      dag-processor = { cpu = 256, memory = 1024, count = 1 }
      triggerer     = { cpu = 256, memory = 1024, count = 1 }
    }
    ha = {
      api           = { cpu = 1024, memory = 4096, count = 2 }
      scheduler     = { cpu = 1024, memory = 2048, count = 2 }
      dag-processor = { cpu = 512, memory = 1024, count = 2 }
      triggerer     = { cpu = 512, memory = 1024, count = 2 }
    }
  }

  size = local.sizes[var.size]

  program  = "airflow-fargate-control"
  api_port = 8080
  log_port = 8794
  database = { port = 5432, security_group_id = var.database.security_group_id }

  group_ids = var.security_group_ids

  # How the other three differ from each other. Their settings and secrets are in settings.tf.
  components = {
    scheduler = {
      # Running launches are handed over in its last 30 seconds (end_timeout).
      stop_timeout     = 120
      port             = null
      ingress          = {}
      task_policy_arns = { scheduler = var.scheduler_policy_arn }
    }
    dag-processor = {
      stop_timeout     = 60
      port             = null
      ingress          = {}
      task_policy_arns = var.dags_policy_arns
    }
    triggerer = {
      # The API server fetches the logs of deferred tasks from here.
      stop_timeout     = 60
      port             = local.log_port
      ingress          = { api = local.group_ids["api"] }
      task_policy_arns = merge(var.triggerer_task_policy_arns, { triggerer = var.triggerer_policy_arn })
    }
  }
}

module "api" {
  source = "../service"

  name      = var.name
  component = "api"

  # Container
  image          = var.image
  repository_arn = var.repository_arn
  architecture   = var.architecture
  command        = ["api-server"]
  init_command   = ["prepare"]
  health_command = [local.program, "alive", "api"]
  environment    = merge(local.environment["api"], var.environment)
  secrets        = local.secrets["api"]
  cpu            = local.size["api"].cpu
  memory         = local.size["api"].memory
  desired_count  = local.size["api"].count
  tunnel         = var.tunnel

  # Rights. The init container reads the administrator's password.
  task_policy_arns     = { reader = var.reader_policy_arn }
  read_secret_arns     = [var.database.secret_arn, var.secrets.arns["admin"]]
  kms_key_arn          = var.kms_key_arn
  permissions_boundary = var.permissions_boundary

  # Network
  cluster_arn       = var.cluster_arn
  subnet_ids        = var.subnet_ids
  assign_public_ip  = var.assign_public_ip
  security_group_id = local.group_ids["api"]
  registry_arn      = var.registry_arn
  port              = local.api_port
  ingress           = { tasks = var.worker_security_group_id }
  egress            = { database = local.database, triggerer = { port = local.log_port, security_group_id = local.group_ids["triggerer"] } }
  https             = var.https

  wait_for_steady_state = var.wait_for_steady_state
  log_retention_days    = var.log_retention_days
  tags                  = var.tags
}

module "component" {
  source   = "../service"
  for_each = local.components

  name      = var.name
  component = each.key
  after     = module.api.service_name

  # Container
  image          = var.image
  repository_arn = var.repository_arn
  architecture   = var.architecture
  command        = [each.key]
  health_command = [local.program, "alive"]
  environment    = merge(local.environment[each.key], var.environment)
  secrets        = local.secrets[each.key]
  cpu            = local.size[each.key].cpu
  memory         = local.size[each.key].memory
  desired_count  = local.size[each.key].count
  stop_timeout   = each.value.stop_timeout

  # Rights
  task_policy_arns     = each.value.task_policy_arns
  read_secret_arns     = [var.database.secret_arn]
  kms_key_arn          = var.kms_key_arn
  permissions_boundary = var.permissions_boundary

  # Network
  cluster_arn       = var.cluster_arn
  subnet_ids        = var.subnet_ids
  assign_public_ip  = var.assign_public_ip
  security_group_id = local.group_ids[each.key]
  port              = each.value.port
  ingress           = each.value.ingress
  egress            = { database = local.database }
  https             = var.https

  wait_for_steady_state = var.wait_for_steady_state
  log_retention_days    = var.log_retention_days
  tags                  = var.tags
}
