# What the Airflow task itself may do.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  # Only ECS, and only for tasks of this account. AWS documents this condition for task roles and not for execution roles.
  assumed_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:*" }
      }
    }]
  })

  payload_statements = {
    for key, payloads in { payload = var.payloads } : key => concat(
      [
        {
          # No ListBucket: launch ids cannot be guessed, so a task can only find its own payload.
          Sid      = "FetchOwnPayload"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:DeleteObject"]
          Resource = "${payloads.bucket_arn}/${payloads.prefix}/*"
        },
        merge(local.key_through_s3, { Action = var.standby ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"], Resource = payloads.kms_key_arn }),
      ],
      [
        for statement in [
          {
            # A standby reads its own offer, deletes it before the task begins, and writes its answer. It writes no offer,
            # so a task cannot make its container look idle and be handed another task's token.
            Sid      = "TakeAnOffer"
            Effect   = "Allow"
            Action   = ["s3:GetObject", "s3:DeleteObject"]
            Resource = "${payloads.bucket_arn}/standby/*/offer"
          },
          {
            Sid      = "AnswerAnOffer"
            Effect   = "Allow"
            Action   = ["s3:GetObject", "s3:PutObject"]
            Resource = "${payloads.bucket_arn}/standby/*/answer"
          },
        ] : statement if var.standby
      ],
    ) if payloads != null
  }

  log_statements = {
    for key, logs in { logs = var.logs } : key => [
      {
        # Airflow reads a log before it appends to it.
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${logs.bucket_arn}/${logs.prefix}/*"
      },
      {
        # Without it S3 answers "forbidden" when Airflow checks for a log that does not exist, and Airflow skips the upload.
        Sid      = "SeeThatALogIsNotThere"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = logs.bucket_arn
      },
      merge(local.key_through_s3, { Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = logs.kms_key_arn }),
    ] if logs != null
  }

  task_statements = merge(local.payload_statements, local.log_statements)

  key_through_s3 = {
    Sid       = "KeyThroughS3"
    Effect    = "Allow"
    Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}" } }
  }
}

resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  description          = "What Airflow tasks of ${var.name} may do on AWS."
  assume_role_policy   = local.assumed_by_tasks
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "task" {
  for_each = local.task_statements

  name   = each.key
  role   = aws_iam_role.task.id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each = var.task_policy_arns

  role       = aws_iam_role.task.name
  policy_arn = each.value
}
