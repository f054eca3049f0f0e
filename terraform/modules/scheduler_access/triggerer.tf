# The triggerer runs the waiting part of deferrable tasks and writes its log beside the container's. It has its own
# policy because the scheduler and the API server write no logs.

locals {
  triggerer = { for key, logs in { triggerer = var.logs } : key => logs if logs != null }
}

resource "aws_iam_policy" "triggerer" {
  for_each = local.triggerer

  name        = "${var.name}-triggerer"
  description = "What the triggerer of ${var.name} writes: task logs, and nothing else."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Airflow reads a log before it appends to it.
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${each.value.bucket_arn}/${each.value.prefix}/*"
      },
      {
        # Without it S3 answers "forbidden" when Airflow checks for a log that does not exist, and Airflow skips the upload.
        Sid      = "SeeThatALogIsNotThere"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = each.value.bucket_arn
      },
      {
        Sid       = "KeyOfLogs"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = each.value.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.suffix}" } }
      },
    ]
  })

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "triggerer" {
  for_each = length(local.triggerer) > 0 ? var.triggerer_role_names : []

  role       = each.key
  policy_arn = aws_iam_policy.triggerer["triggerer"].arn
}
