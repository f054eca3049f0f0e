# Exactly the calls the executor makes, on exactly these resources.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  place   = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  ecs     = "arn:${data.aws_partition.current.partition}:ecs:${local.place}"
  cluster = element(split("/", var.cluster_arn), 1)
  tasks   = "${local.ecs}:task/${local.cluster}/*"

  in_our_cluster = { ArnEquals = { "ecs:cluster" = var.cluster_arn } }

  statements = [
    {
      # Called with a family alone, RunTask is checked against the ARN without a revision, which ":*" does not match.
      Sid       = "LaunchOurDefinition"
      Effect    = "Allow"
      Action    = "ecs:RunTask"
      Resource  = ["${local.ecs}:task-definition/${var.family}", "${local.ecs}:task-definition/${var.family}:*"]
      Condition = local.in_our_cluster
    },
    {
      Sid       = "TagWhatIsLaunched"
      Effect    = "Allow"
      Action    = "ecs:TagResource"
      Resource  = local.tasks
      Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
    },
    {
      Sid       = "HandOverTheTwoRoles"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = var.passed_role_arns
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
    {
      Sid       = "FollowAndStop"
      Effect    = "Allow"
      Action    = ["ecs:DescribeTasks", "ecs:StopTask"]
      Resource  = local.tasks
      Condition = local.in_our_cluster
    },
    {
      # ListTasks knows no resource of its own for Fargate; the condition holds it to the cluster.
      Sid       = "FindTasksAfterARestart"
      Effect    = "Allow"
      Action    = "ecs:ListTasks"
      Resource  = "*"
      Condition = local.in_our_cluster
    },
    {
      Sid      = "LastLinesOfAContainer"
      Effect   = "Allow"
      Action   = "logs:GetLogEvents"
      Resource = "${var.log_group_arn}:log-stream:*"
    },
    {
      Sid      = "DoctorLooksAtTheCluster"
      Effect   = "Allow"
      Action   = "ecs:DescribeClusters"
      Resource = var.cluster_arn
    },
    {
      # These calls know no resource.
      Sid      = "DoctorLooksAround"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTaskDefinition", "ec2:DescribeSubnets", "logs:DescribeLogGroups"]
      Resource = "*"
    },
    {
      Sid      = "DoctorLooksForTheImage"
      Effect   = "Allow"
      Action   = "ecr:DescribeImages"
      Resource = var.repository_arn
    },
  ]

  queue_statements = [
    for queue in [var.queue] : {
      Sid      = "ListenToTaskEvents"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
      Resource = queue.arn
    } if queue != null
  ]

  payload_statements = [
    for payloads in [var.payloads] : {
      Sid      = "HandWorkloadsOver"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:DeleteObject"]
      Resource = "${payloads.bucket_arn}/${payloads.prefix}/*"
    } if payloads != null
  ]

  log_statements = flatten([
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
    ] if logs != null
  ])

  # S3 and SQS use the keys on the caller's behalf, and nobody uses them directly.
  keys = {
    for service, stores in { s3 = [var.payloads, var.logs], sqs = [var.queue] } :
    service => distinct([for store in stores : store.kms_key_arn if store != null])
  }

  key_statements = [
    for service, arns in local.keys : {
      Sid       = "KeyThrough${upper(service)}"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = arns
      Condition = { StringEquals = { "kms:ViaService" = "${service}.${data.aws_region.current.id}.amazonaws.com" } }
    } if length(arns) > 0
  ]

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.statements, local.queue_statements, local.payload_statements, local.log_statements, local.key_statements)
  })
}

resource "aws_iam_policy" "scheduler" {
  name        = "${var.name}-scheduler"
  description = "What the FargateExecutor of ${var.name} calls, and nothing else."
  policy      = local.policy
}

resource "aws_iam_role_policy_attachment" "scheduler" {
  for_each = var.role_names

  role       = each.key
  policy_arn = aws_iam_policy.scheduler.arn
}
