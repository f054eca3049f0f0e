locals {
  alarms = {
    dead-letters = {
      description = "A task event could not be delivered or handled. Look at the message in ${var.queues.dead_letter}; tasks go on, the reconciler finds their ends."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.queues.dead_letter }
      statistic   = "Maximum"
      threshold   = 1
      periods     = 1
      period      = 60
    }
    queue-age = {
      description = "Nobody takes task events from ${var.queues.events}: is the scheduler up, and may it read the queue?"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.queues.events }
      statistic   = "Maximum"
      threshold   = var.alarm_queue_age_seconds
      periods     = 3
      period      = 60
    }
    undelivered-events = {
      description = "EventBridge cannot deliver to ${var.queues.events}: look at the queue's policy and at the key's."
      namespace   = "AWS/Events"
      metric      = "FailedInvocations"
      dimensions  = { RuleName = var.rule_name }
      statistic   = "Sum"
      threshold   = 1
      periods     = 1
      period      = 60
    }
    failed-launches = {
      description = "Containers do not start: image, network, secrets or capacity. stoppedReason in the log of task events says which."
      namespace   = local.namespace
      metric      = aws_cloudwatch_log_metric_filter.events["failed_launches"].name
      dimensions  = {}
      statistic   = "Sum"
      threshold   = var.alarm_failed_launches
      periods     = 1
      period      = 300
    }
  }

  actions = compact([var.alarm_sns_topic_arn])
}

resource "aws_cloudwatch_metric_alarm" "watch" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions

  tags = var.tags
}
