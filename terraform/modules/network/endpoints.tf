locals {
  endpoints = setunion(var.endpoints, var.nat == "none" ? var.needed_endpoints : [])

  endpoint_access = { for access in ["endpoints"] : access => true if length(local.endpoints) > 0 }

  # In China, names of services begin with cn.com.amazonaws or with com.amazonaws. Only there, ask AWS which.
  asked = { for service in setunion(local.endpoints, ["s3"]) : service => service if data.aws_partition.current.partition == "aws-cn" }

  service_names = {
    for service in setunion(local.endpoints, ["s3"]) : service =>
    try(data.aws_vpc_endpoint_service.china[service].service_name, "com.amazonaws.${data.aws_region.current.id}.${service}")
  }
}

data "aws_vpc_endpoint_service" "china" {
  for_each = local.asked

  service_type = each.key == "s3" ? "Gateway" : "Interface"

  filter {
    name   = "service-name"
    values = [for prefix in ["com.amazonaws", "cn.com.amazonaws"] : "${prefix}.${data.aws_region.current.id}.${each.key}"]
  }
}

# Image layers come from S3. This endpoint costs nothing and keeps them off the NAT gateway, which bills by the byte.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.network.id
  service_name      = local.service_names["s3"]
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.tasks : table.id]

  tags = merge(var.tags, { Name = "${var.name}-s3" })
}

resource "aws_vpc_endpoint" "service" {
  for_each = local.endpoints

  vpc_id              = aws_vpc.network.id
  service_name        = local.service_names[each.key]
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.tasks : subnet.id]
  security_group_ids  = [aws_security_group.endpoints["endpoints"].id]

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_security_group" "endpoints" {
  #checkov:skip=CKV2_AWS_5:Attached to every aws_vpc_endpoint.service above; checkov does not follow the key.
  for_each = local.endpoint_access

  name        = "${var.name}-endpoints"
  description = "Interface endpoints: HTTPS from inside the VPC, nothing else."
  vpc_id      = aws_vpc.network.id

  tags = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = local.endpoint_access

  security_group_id = aws_security_group.endpoints[each.key].id
  description       = "HTTPS from inside the VPC"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = var.tags
}
