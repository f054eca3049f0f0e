data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  place     = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"

  events      = "${var.name}-task-events"
  dead_letter = "${var.name}-task-events-dead-letter"

  # Names instead of references: a queue's own policy cannot refer to the queue, and a reference to the rule would delay the
  # queues until the cluster exists. The provider already waits 25 s for each queue.
  rule_arn = "arn:${local.partition}:events:${local.place}:rule/${local.events}"
}

resource "aws_cloudwatch_event_rule" "task_state_change" {
  name        = local.events
  description = "Task state changes of the ECS cluster, for the executor of ${var.name}."

  # A task changes state a dozen times. The executor needs three of them: the task runs, its container exited, it stopped.
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

  # EventBridge retries for 24 hours. Then it drops the event, unless there is a dead-letter queue.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}
