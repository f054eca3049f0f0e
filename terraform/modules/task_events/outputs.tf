output "queue_url" {
  value       = aws_sqs_queue.events.url
  description = "URL of the queue from which the executor receives task state changes."
}

output "queue" {
  value       = { arn = aws_sqs_queue.events.arn, kms_key_arn = var.kms_key_arn }
  description = "ARN of the queue and of its key."
}

output "queue_name" {
  value       = aws_sqs_queue.events.name
  description = "Name of that queue, for its metrics."
}

output "dead_letter_queue_url" {
  value       = aws_sqs_queue.dead_letter.url
  description = "URL of the dead-letter queue."
}

output "dead_letter_queue_name" {
  value       = aws_sqs_queue.dead_letter.name
  description = "Name of the dead-letter queue, for its metrics."
}

output "rule_name" {
  value       = aws_cloudwatch_event_rule.task_state_change.name
  description = "Name of the EventBridge rule."
}
