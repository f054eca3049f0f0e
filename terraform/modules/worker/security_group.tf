# No ingress. Egress: HTTPS, Airflow, and what egress_cidrs and egress_security_groups name. A rule's key is its purpose with
# its range or the caller's name, never a position, so that reordering a list changes no rule. AWS rejects duplicate rules
# (InvalidPermission.Duplicate), so only the first of several with the same port and range is made.

locals {
  cidr_rules = concat(
    [for cidr in var.https.cidrs : { key = "https ${cidr}", cidr = cidr, port = 443, description = "HTTPS: AWS, and what tasks use" }],
    [for cidr in var.airflow.cidrs : { key = "airflow ${cidr}", cidr = cidr, port = var.airflow.port, description = "Airflow" }],
    flatten([for name, rule in var.egress_cidrs : [
      for cidr in rule.cidrs : { key = "${name} ${cidr}", cidr = cidr, port = rule.port, description = name }
    ]]),
  )

  cidr_rules_by_target = { for rule in local.cidr_rules : "${rule.port} ${rule.cidr}" => rule... }

  group_rules = merge(
    { for name, id in var.airflow.security_group_ids : "airflow group ${name}" => { group = id, port = var.airflow.port, description = "Airflow" } },
    { for name, rule in var.egress_security_groups : "${name} group" => { group = rule.security_group_id, port = rule.port, description = name } },
  )

  egress = merge(
    { for rules in values(local.cidr_rules_by_target) : rules[0].key => { cidr = rules[0].cidr, prefix_list = null, group = null, port = rules[0].port, description = rules[0].description } },
    { for name, id in var.https.prefix_lists : "https ${name}" => { cidr = null, prefix_list = id, group = null, port = 443, description = "HTTPS to ${name}" } },
    { for key, rule in local.group_rules : key => { cidr = null, prefix_list = null, group = rule.group, port = rule.port, description = rule.description } },
  )
}

resource "aws_security_group" "worker" {
  #checkov:skip=CKV2_AWS_5:Attached by RunTask to every task; the executor names it.
  name        = "${var.name}-worker"
  description = "Airflow tasks: nothing in, HTTPS and Airflow out."
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-worker" })

  lifecycle {
    precondition {
      condition     = length(distinct([for rule in local.group_rules : "${rule.port} ${rule.group}"])) == length(local.group_rules)
      error_message = "Airflow's security groups and egress_security_groups have the same group and port twice. Remove one of them."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  for_each = local.egress

  security_group_id            = aws_security_group.worker.id
  description                  = each.value.description
  cidr_ipv4                    = each.value.cidr
  prefix_list_id               = each.value.prefix_list
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = var.tags
}
