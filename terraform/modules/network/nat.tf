# How tasks reach the internet: through NAT gateways in subnets of their own, through the internet gateway itself, or not at all.

locals {
  nat_zones = {
    none     = []
    public   = []
    single   = slice(local.zones, 0, min(1, length(local.zones)))
    per_zone = local.zones
  }[var.nat]

  nat = { for zone in local.nat_zones : zone => local.subnets[zone] }

  # The NAT gateway that each zone uses: its own, or the only one.
  nat_of = { for zone in local.zones : zone => contains(local.nat_zones, zone) ? zone : local.nat_zones[0] if length(local.nat_zones) > 0 }

  internet = { for gateway in ["internet"] : gateway => var.nat if var.nat != "none" }

  # This table is for NAT gateways. With nat = public, the tasks' own tables lead to the internet gateway.
  nat_table = { for gateway, nat in local.internet : gateway => nat if nat != "public" }
}

resource "aws_internet_gateway" "nat" {
  for_each = local.internet

  vpc_id = aws_vpc.network.id

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "public" {
  for_each = local.nat

  vpc_id                  = aws_vpc.network.id
  availability_zone       = each.key
  cidr_block              = each.value.nat
  map_public_ip_on_launch = false

  tags = merge(var.tags, { Name = "${var.name}-public-${each.key}" })
}

resource "aws_route_table" "public" {
  for_each = local.nat_table

  vpc_id = aws_vpc.network.id

  tags = merge(var.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "internet" {
  for_each = local.nat_table

  route_table_id         = aws_route_table.public[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.nat[each.key].id
}

resource "aws_route_table_association" "public" {
  for_each = local.nat

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public["internet"].id
}

resource "aws_eip" "nat" {
  for_each = local.nat

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.name}-nat-${each.key}" })
}

resource "aws_nat_gateway" "zone" {
  for_each = local.nat

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })

  # A NAT gateway in a VPC without an internet gateway fails.
  depends_on = [aws_internet_gateway.nat]
}

# One resource for both ways out: changing nat replaces the target of a route. A second resource for the same
# destination could be created before the first is gone, which EC2 rejects.
resource "aws_route" "nat" {
  for_each = { for zone, subnet in local.subnets : zone => lookup(local.nat_of, zone, null) if var.nat != "none" }

  route_table_id         = aws_route_table.tasks[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = var.nat == "public" ? null : aws_nat_gateway.zone[each.value].id
  gateway_id             = var.nat == "public" ? aws_internet_gateway.nat["internet"].id : null
}
