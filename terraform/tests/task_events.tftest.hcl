mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  cluster_arn = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "events_of_our_cluster_reach_the_queue_and_nothing_else_does" {
  module {
    source = "./modules/task_events"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.task_state_change.event_pattern).detail.lastStatus == ["RUNNING", "DEPROVISIONING", "STOPPED"]
    error_message = "The rule must send only the changes that the executor acts on."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.task_state_change.event_pattern).detail.clusterArn == ["arn:aws:ecs:us-east-1:123456789012:cluster/airflow"]
    error_message = "Only this cluster's events may match."
  }

  assert {
    condition     = aws_cloudwatch_event_target.queue.dead_letter_config[0].arn == aws_sqs_queue.dead_letter.arn
    error_message = "Undelivered events must be kept."
  }

  assert {
    condition = alltrue([for queue in [aws_sqs_queue.events, aws_sqs_queue.dead_letter] : alltrue([
      for statement in jsondecode(queue.policy).Statement :
      statement.Resource == "arn:aws:sqs:us-east-1:123456789012:${queue.name}" && (
        statement.Effect == "Allow"
        ? statement.Condition.ArnEquals["aws:SourceArn"] == "arn:aws:events:us-east-1:123456789012:rule/${aws_cloudwatch_event_rule.task_state_change.name}"
        : statement.Condition.Bool["aws:SecureTransport"] == "false"
      )
    ])])
    error_message = "Each queue's policy must name that queue and the rule as they are called."
  }

  assert {
    condition     = aws_sqs_queue.events.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letter.kms_master_key_id == var.kms_key_arn
    error_message = "Both queues are encrypted with the deployment's key."
  }
}

run "a_retention_and_a_receive_count_beyond_sqs_limits_are_rejected" {
  command = plan

  module {
    source = "./modules/task_events"
  }

  variables {
    retention_days    = 15
    max_receive_count = 0
  }

  expect_failures = [var.retention_days, var.max_receive_count]
}
