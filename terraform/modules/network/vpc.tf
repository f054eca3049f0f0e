data "aws_region" "current" {}
data "aws_partition" "current" {}

# Local Zones and Wavelength Zones are opt-in and have no Fargate. An impaired zone stays in the list: an outage must not
# change the zones of a deployment.
data "aws_availability_zones" "all" {
  #checkov:skip=CKV_AWS_394:Only the first two names are taken, and AWS adds zones at the end of the alphabet; name the zones to pin them.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  # Zone names differ between accounts, zone ids do not.
  fargate_zone_ids = lookup(jsondecode(file("${path.module}/../../fargate_zones.json")).zone_ids, data.aws_region.current.id, data.aws_availability_zones.all.zone_ids)

  offered = sort([
    for position, zone in data.aws_availability_zones.all.names : zone
    if contains(local.fargate_zone_ids, data.aws_availability_zones.all.zone_ids[position])
  ])
  zones = length(var.zones) > 0 ? var.zones : slice(local.offered, 0, min(2, length(local.offered)))

  # The range is cut in eight: one piece per zone for tasks, the last piece in eight again for NAT gateways.
  # The cut does not depend on the number of zones, so a zone added later moves no subnet.
  subnets = {
    for position, zone in local.zones : zone => {
      tasks = cidrsubnet(var.cidr, 3, position)
      nat   = cidrsubnet(var.cidr, 6, 56 + position)
    }
  }
}

resource "aws_vpc" "network" {
  cidr_block = var.cidr

  # Both are needed by interface endpoints with private DNS names.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    precondition {
      condition     = length(setsubtract(local.zones, local.offered)) == 0
      error_message = "Fargate is not available in ${join(", ", setsubtract(local.zones, local.offered))}. In ${data.aws_region.current.id}, use ${join(", ", local.offered)}."
    }

    precondition {
      condition     = length(local.zones) >= 2
      error_message = "This account has fewer than two zones with Fargate in ${data.aws_region.current.id}. Choose another region."
    }
  }
}

# A task that someone starts without naming a security group gets this one, which lets nothing through.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.network.id

  tags = merge(var.tags, { Name = "${var.name}-default-closed" })
}

resource "aws_subnet" "tasks" {
  for_each = local.subnets

  vpc_id            = aws_vpc.network.id
  availability_zone = each.key
  cidr_block        = each.value.tasks

  # With nat = public, RunTask asks for an address for each task. Nothing else gets one.
  map_public_ip_on_launch = false

  tags = merge(var.tags, { Name = "${var.name}-tasks-${each.key}" })
}

# One table per zone, whatever the number of NAT gateways: another value of nat changes routes only.
resource "aws_route_table" "tasks" {
  for_each = local.subnets

  vpc_id = aws_vpc.network.id

  tags = merge(var.tags, { Name = "${var.name}-tasks-${each.key}" })
}

resource "aws_route_table_association" "tasks" {
  for_each = local.subnets

  subnet_id      = aws_subnet.tasks[each.key].id
  route_table_id = aws_route_table.tasks[each.key].id
}
