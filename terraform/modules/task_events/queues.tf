# Policies are inline: as resources of their own, each would add 25 s of the provider's waiting.

locals {
  queue_policy = {
    for queue in [local.events, local.dead_letter] : queue => jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "EventsOfOurRuleOnly"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = "arn:${local.partition}:sqs:${local.place}:${queue}"
          Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
        },
        {
          Sid       = "TransportEncryptedOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sqs:*"
          Resource  = "arn:${local.partition}:sqs:${local.place}:${queue}"
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    })
  }
}

resource "aws_sqs_queue" "events" {
  name = local.events

  # Long enough to handle a batch of ten, and short enough that another scheduler soon gets the events of one that died.
  visibility_timeout_seconds = 30
  receive_wait_time_seconds  = 20
  message_retention_seconds  = var.retention_days * 86400

  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.max_receive_count
  })

  policy = local.queue_policy[local.events]

  tags = var.tags
}

# This queue should stay empty; observability has an alarm on it.
resource "aws_sqs_queue" "dead_letter" {
  name = local.dead_letter

  message_retention_seconds = 14 * 86400

  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  policy = local.queue_policy[local.dead_letter]

  tags = var.tags
}
