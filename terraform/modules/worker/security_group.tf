# Nothing comes in. Out goes HTTPS, and the way to Airflow.

locals {
  https = merge(
    { for cidr in var.network.https.cidrs : "https ${cidr}" => { cidr = cidr, description = "HTTPS: AWS, and what tasks use" } },
    { for name, id in var.network.https.prefix_lists : "https ${name}" => { prefix_list = id, description = "HTTPS to ${name}" } },
  )

  airflow = merge(
    { for cidr in var.network.airflow.cidrs : "airflow ${cidr}" => { cidr = cidr } },
    { for position, id in var.network.airflow.security_group_ids : "airflow group ${position}" => { security_group = id } },
  )

  egress = merge(
    { for key, rule in local.https : key => merge({ cidr = null, prefix_list = null, security_group = null, port = 443 }, rule) },
    { for key, rule in local.airflow : key => merge({ cidr = null, prefix_list = null, security_group = null, port = var.network.airflow.port, description = "Airflow" }, rule)
      # AWS refuses the same rule twice.
    if !(var.network.airflow.port == 443 && contains(var.network.https.cidrs, lookup(rule, "cidr", "none"))) },
  )
}

resource "aws_security_group" "worker" {
  #checkov:skip=CKV2_AWS_5:Attached by RunTask to every task; the executor names it.
  name        = "${var.name}-worker"
  description = "Airflow tasks: nothing in, HTTPS and Airflow out."
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name}-worker" }
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  for_each = local.egress

  security_group_id            = aws_security_group.worker.id
  description                  = each.value.description
  cidr_ipv4                    = each.value.cidr
  prefix_list_id               = each.value.prefix_list
  referenced_security_group_id = each.value.security_group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
