data "aws_region" "current" {}

# Local Zones and Wavelength Zones are opt-in and have no Fargate.
data "aws_availability_zones" "open" {
  #checkov:skip=CKV_AWS_394:Only the first two names are taken, and AWS adds zones at the end of the alphabet; name the zones to pin them.
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = length(var.zones) > 0 ? var.zones : slice(sort(data.aws_availability_zones.open.names), 0, 2)

  # The range is cut in eight: one piece per zone for tasks, the last piece in eight again for NAT gateways.
  # The cut does not depend on the number of zones, so a zone added later moves no subnet.
  subnets = {
    for position, zone in local.zones : zone => {
      private = cidrsubnet(var.cidr, 3, position)
      public  = cidrsubnet(var.cidr, 6, 56 + position)
    }
  }
}

resource "aws_vpc" "network" {
  cidr_block = var.cidr

  # Both are needed by interface endpoints with private DNS names.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# A task that someone starts without naming a security group gets this one, which lets nothing through.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.network.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_subnet" "private" {
  for_each = local.subnets

  vpc_id                  = aws_vpc.network.id
  availability_zone       = each.key
  cidr_block              = each.value.private
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-private-${each.key}" }
}

# One table per zone, whatever the number of NAT gateways: going from single to per_zone changes routes only.
resource "aws_route_table" "private" {
  for_each = local.subnets

  vpc_id = aws_vpc.network.id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = local.subnets

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}
