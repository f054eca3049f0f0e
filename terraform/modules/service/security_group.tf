# Rules of the component's security group, keyed by the caller's names and by address range, never by position.

locals {
  egress = merge(
    { for cidr in var.https.cidrs : "https ${cidr}" => { cidr = cidr, prefix_list = null, group = null, port = 443 } },
    { for name, id in var.https.prefix_lists : "https ${name}" => { cidr = null, prefix_list = id, group = null, port = 443 } },
    { for name, rule in var.egress : name => { cidr = null, prefix_list = null, group = rule.security_group_id, port = rule.port } },
  )
}

resource "aws_vpc_security_group_ingress_rule" "component" {
  for_each = var.ingress

  security_group_id            = var.security_group_id
  description                  = each.key
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port

  tags = var.tags
}

resource "aws_vpc_security_group_egress_rule" "component" {
  for_each = local.egress

  security_group_id            = var.security_group_id
  description                  = each.key
  cidr_ipv4                    = each.value.cidr
  prefix_list_id               = each.value.prefix_list
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = var.tags
}
