# How tasks find the API server, and the security groups of Airflow's components. The groups are made here, before the
# services: the worker's egress rule names the API server's group, and the services need the worker's outputs.

locals {
  components = toset(["api", "scheduler", "dag-processor", "triggerer"])
}

resource "aws_service_discovery_private_dns_namespace" "airflow" {
  name        = "${var.name}.airflow.internal"
  description = "Names of the Airflow components of ${var.name}"
  vpc         = var.vpc_id

  tags = var.tags
}

# ECS registers each container of the API service here and removes it when it stops.
resource "aws_service_discovery_service" "api" {
  name = "api"

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.airflow.id
    routing_policy = "MULTIVALUE"

    # A task must see a replaced API server soon. Its own retries cover the rest.
    dns_records {
      type = "A"
      ttl  = 10
    }
  }

  # ECS reports the health of its containers itself.
  health_check_custom_config {
    failure_threshold = 1
  }

  # Destroy removes a registration that a stopped container left behind.
  force_destroy = true

  tags = var.tags
}

resource "aws_security_group" "component" {
  #checkov:skip=CKV2_AWS_5:Attached to the component's service, which modules/service makes.
  for_each = local.components

  name        = "${var.name}-${each.key}"
  description = "Airflow's ${each.key}"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}
