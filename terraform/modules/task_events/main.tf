data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  place     = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"

  events      = "${var.name}-task-events"
  dead_letter = "${var.name}-task-events-dead-letter"

  # Written out, not referred to: a queue's own policy cannot refer to the queue, and a reference to the rule
  # would hold the queues back until the cluster stands. The provider waits 25 s for each queue as it is.
  rule_arn = "arn:${local.partition}:events:${local.place}:rule/${local.events}"
}

resource "aws_cloudwatch_event_rule" "task_state_change" {
  name        = local.events
  description = "Task state changes of the ECS cluster, for the executor of ${var.name}."

  # A task changes state a dozen times, and the executor acts on three of them: it runs, its container has exited,
  # it has stopped. The rest would only cost calls.
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [var.cluster_arn]
      lastStatus = ["RUNNING", "DEPROVISIONING", "STOPPED"]
    }
  })

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.task_state_change.name
  target_id = "executor"
  arn       = aws_sqs_queue.events.arn

  # EventBridge tries for 24 hours and then drops the event, unless it has where to put it.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}
