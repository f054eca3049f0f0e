# Public subnets hold NAT gateways and nothing else: no task ever gets a public address here.

locals {
  nat_zones = {
    none     = []
    single   = slice(local.zones, 0, 1)
    per_zone = local.zones
  }[var.nat]

  nat = { for zone in local.nat_zones : zone => local.subnets[zone] }

  # Each private subnet's NAT gateway: its own zone's where there is one, else the only one.
  nat_of = { for zone in local.zones : zone => contains(local.nat_zones, zone) ? zone : local.nat_zones[0] if length(local.nat_zones) > 0 }

  internet = { for gateway in ["internet"] : gateway => var.nat if var.nat != "none" }
}

resource "aws_internet_gateway" "nat" {
  for_each = local.internet

  vpc_id = aws_vpc.network.id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each = local.nat

  vpc_id                  = aws_vpc.network.id
  availability_zone       = each.key
  cidr_block              = each.value.public
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_route_table" "public" {
  for_each = local.internet

  vpc_id = aws_vpc.network.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  for_each = local.internet

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

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "zone" {
  for_each = local.nat

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  # A NAT gateway in a VPC without an internet gateway fails.
  depends_on = [aws_internet_gateway.nat]
}

resource "aws_route" "nat" {
  for_each = local.nat_of

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.zone[each.value].id
}
