locals {
  flow_log = { for log in ["flow"] : log => true if var.flow_log }
}

resource "aws_flow_log" "network" {
  for_each = local.flow_log

  vpc_id                   = aws_vpc.network.id
  traffic_type             = "ALL"
  log_destination_type     = "cloud-watch-logs"
  log_destination          = aws_cloudwatch_log_group.flow[each.key].arn
  iam_role_arn             = aws_iam_role.flow[each.key].arn
  max_aggregation_interval = 600

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_cloudwatch_log_group" "flow" {
  for_each = local.flow_log

  name              = "/airflow-fargate/${var.name}/flow"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days

  tags = var.tags
}

resource "aws_iam_role" "flow" {
  for_each = local.flow_log

  name                 = "${var.name}-flow-log"
  description          = "Writes the flow log of the VPC ${var.name}."
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "flow" {
  for_each = local.flow_log

  name = "write-flow-log"
  role = aws_iam_role.flow[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
      Resource = "${aws_cloudwatch_log_group.flow[each.key].arn}:*"
    }]
  })
}
