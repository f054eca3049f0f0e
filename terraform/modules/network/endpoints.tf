locals {
  # What a task needs before its first line of code: image manifest and token, layers (S3, below), log stream.
  needed_without_nat = ["ecr.api", "ecr.dkr", "logs"]
  endpoints          = toset(var.endpoints != null ? var.endpoints : var.nat == "none" ? local.needed_without_nat : [])

  endpoint_access = { for access in ["endpoints"] : access => true if length(local.endpoints) > 0 }
}

# Image layers come from S3. This endpoint costs nothing and keeps them off the NAT gateway, which bills by the byte.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.network.id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "service" {
  for_each = local.endpoints

  vpc_id              = aws_vpc.network.id
  service_name        = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints["endpoints"].id]

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_security_group" "endpoints" {
  #checkov:skip=CKV2_AWS_5:Attached to every aws_vpc_endpoint.service above; checkov does not follow the key.
  for_each = local.endpoint_access

  name        = "${var.name}-endpoints"
  description = "Interface endpoints: HTTPS from inside the VPC, nothing else."
  vpc_id      = aws_vpc.network.id

  tags = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = local.endpoint_access

  security_group_id = aws_security_group.endpoints[each.key].id
  description       = "HTTPS from inside the VPC"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
