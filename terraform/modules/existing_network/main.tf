# Reads the given network and creates nothing, so that a wrong subnet fails the plan and not the first task. Subnets are keyed
# by position, because an id that is made in the same apply cannot be a key.

data "aws_region" "current" {}

data "aws_vpc" "network" {
  id = var.vpc_id
}

data "aws_route_tables" "main" {
  vpc_id = var.vpc_id

  filter {
    name   = "association.main"
    values = ["true"]
  }
}

# Tables with a route to an internet gateway. Subnets that use one of them are public.
data "aws_route_tables" "public" {
  vpc_id = var.vpc_id

  filter {
    name   = "route.gateway-id"
    values = ["igw-*"]
  }
}

data "aws_route_tables" "subnet" {
  for_each = local.subnets

  vpc_id = var.vpc_id

  filter {
    name   = "association.subnet-id"
    values = [each.value]
  }
}

data "aws_subnet" "tasks" {
  for_each = local.subnets

  id = each.value

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.vpc_id
      error_message = "Subnet ${self.id} belongs to ${self.vpc_id}, not to ${var.vpc_id}."
    }

    postcondition {
      condition     = !contains(keys(local.fargate_zone_ids), data.aws_region.current.id) || contains(lookup(local.fargate_zone_ids, data.aws_region.current.id, []), self.availability_zone_id)
      error_message = "Subnet ${self.id} is in the zone ${self.availability_zone_id}, which has no Fargate. Give a subnet in another zone."
    }
  }
}

locals {
  subnets          = { for position, id in var.subnet_ids : tostring(position) => id }
  fargate_zone_ids = jsondecode(file("${path.module}/../../fargate_zones.json")).zone_ids

  # A subnet without a table of its own uses the VPC's main one.
  tables = { for position, found in data.aws_route_tables.subnet : position => try(found.ids[0], data.aws_route_tables.main.ids[0], "") }
  public = [for position, table in local.tables : local.subnets[position] if contains(data.aws_route_tables.public.ids, table)]
}
