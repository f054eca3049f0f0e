# A log of every task state change. Metrics are made from it, and it outlives ECS's memory of a task.

resource "aws_cloudwatch_log_group" "events" {
  # EventBridge writes to groups below /aws/events/ only.
  name              = "/aws/events/airflow-fargate/${var.name}"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days

  tags = var.tags
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  for_each = { for policy in ["own"] : policy => true if var.own_log_policy }

  policy_name = "${var.name}-task-events"

  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.events.arn}:*"
    }]
  })
}

resource "aws_cloudwatch_event_rule" "history" {
  name        = "${var.name}-task-history"
  description = "Task state changes of the ECS cluster, into the log."

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail      = { clusterArn = [var.cluster.arn] }
  })

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "history" {
  rule      = aws_cloudwatch_event_rule.history.name
  target_id = "log"
  arn       = aws_cloudwatch_log_group.events.arn

  depends_on = [aws_cloudwatch_log_resource_policy.events]
}

locals {
  namespace = "airflow-fargate/${var.name}"

  metrics = {
    launches            = "{ $.detail.lastStatus = \"PROVISIONING\" }"
    starts              = "{ $.detail.lastStatus = \"RUNNING\" && $.detail.desiredStatus = \"RUNNING\" }"
    ends                = "{ $.detail.lastStatus = \"STOPPED\" }"
    failed_launches     = "{ $.detail.lastStatus = \"STOPPED\" && $.detail.stopCode = \"TaskFailedToStart\" }"
    spot_interruptions  = "{ $.detail.lastStatus = \"STOPPED\" && $.detail.stopCode = \"SpotInterruption\" }"
    killed_for_memory   = "{ $.detail.lastStatus = \"STOPPED\" && $.detail.containers[0].exitCode = 137 }"
    infrastructure_lost = "{ $.detail.lastStatus = \"STOPPED\" && ($.detail.stopCode = \"TerminationNotice\" || $.detail.stopCode = \"InfrastructureHealth\") }"
  }
}

resource "aws_cloudwatch_log_metric_filter" "events" {
  for_each = local.metrics

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.events.name
  pattern        = each.value

  metric_transformation {
    namespace     = local.namespace
    name          = each.key
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}
