# The API server shows task logs: from CloudWatch Logs while a task runs, from S3 after it ended. Its page about Fargate
# shows the schedulers' status. It serves the network, so it may start, stop and pass nothing.

locals {
  reader_statements = [
    {
      Sid      = "ShowTheLogOfARunningTask"
      Effect   = "Allow"
      Action   = "logs:GetLogEvents"
      Resource = "${var.log_group_arn}:log-stream:*"
    },
    {
      # The row in Airflow's database may hold the launch id instead of the task's ARN. ListTasks has no resource of its
      # own for Fargate, so the condition restricts it to the cluster.
      Sid       = "FindARunningTask"
      Effect    = "Allow"
      Action    = "ecs:ListTasks"
      Resource  = "*"
      Condition = local.in_our_cluster
    },
    {
      Sid       = "DescribeARunningTask"
      Effect    = "Allow"
      Action    = "ecs:DescribeTasks"
      Resource  = local.tasks
      Condition = local.in_our_cluster
    },
  ]

  stored_log_statements = flatten([
    for logs in [var.logs] : [
      {
        Sid      = "ShowTaskLogs"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${logs.bucket_arn}/${logs.prefix}/*"
      },
      {
        # Airflow lists the tries of a task's log before it reads them.
        Sid      = "FindTaskLogs"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = logs.bucket_arn
      },
      {
        Sid       = "KeyOfLogs"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = logs.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.suffix}" } }
      },
    ] if logs != null
  ])
}

locals {
  # The same bucket holds workloads with their tokens, so the API server may neither read nor list these.
  status_statements = flatten([
    for payloads in [var.payloads] : [
      {
        Sid      = "ReadStatus"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${payloads.bucket_arn}/status/*"
      },
      {
        Sid       = "FindStatus"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = payloads.bucket_arn
        Condition = { StringLike = { "s3:prefix" = "status/*" } }
      },
      {
        Sid       = "KeyOfStatus"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = payloads.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.suffix}" } }
      },
    ] if payloads != null
  ])
}

resource "aws_iam_policy" "reader" {
  name        = "${var.name}-reader"
  description = "Lets the API server of ${var.name} show task logs and the page about Fargate, and nothing else."

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.reader_statements, local.stored_log_statements, local.status_statements)
  })

  tags = var.tags
}

# Where one role runs both the scheduler and the API server, it gets both policies.
resource "aws_iam_role_policy_attachment" "reader" {
  for_each = setunion(var.role_names, var.api_server_role_names)

  role       = each.key
  policy_arn = aws_iam_policy.reader.arn
}
