# The scheduler: exactly the calls that the executor and its doctor make, on exactly these resources. What the API server
# reads is in reader.tf, what the triggerer writes in triggerer.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  region  = data.aws_region.current.id
  suffix  = data.aws_partition.current.dns_suffix
  place   = "${local.region}:${data.aws_caller_identity.current.account_id}"
  ecs     = "arn:${data.aws_partition.current.partition}:ecs:${local.place}"
  cluster = element(split("/", var.cluster_arn), 1)
  tasks   = "${local.ecs}:task/${local.cluster}/*"

  in_our_cluster = { ArnEquals = { "ecs:cluster" = var.cluster_arn } }

  statements = [
    {
      # RunTask with a family is checked against the ARN without a revision, which ":*" does not match.
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
      # ListTasks has no resource for Fargate; the condition restricts it to the cluster.
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
      # These calls have no resource.
      Sid    = "DoctorLooksAround"
      Effect = "Allow"
      Action = [
        "ecs:DescribeTaskDefinition",
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
        "logs:DescribeLogGroups",
      ]
      Resource = "*"
    },
  ]

  image_statements = [
    for repository in [var.repository_arn] : {
      Sid      = "DoctorLooksForTheImage"
      Effect   = "Allow"
      Action   = ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = repository
    } if repository != null
  ]

  queue_statements = [
    for queue in [var.queue] : {
      Sid      = "ListenToTaskEvents"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
      Resource = queue.arn
    } if queue != null
  ]

  payload_statements = flatten([
    for payloads in [var.payloads] : [
      {
        Sid      = "HandWorkloadsOver"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${payloads.bucket_arn}/${payloads.prefix}/*"
      },
      {
        # For the page in Airflow. Tasks may not read or write it.
        Sid      = "WriteOwnStatus"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${payloads.bucket_arn}/status/*"
      },
      {
        # Without standbys, too: a scheduler that has none finds out what became of a launch that one with standbys queued.
        Sid      = "AskForFates"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["${payloads.bucket_arn}/launches/*", "${payloads.bucket_arn}/standby/*"]
      },
      {
        # And it takes that launch's offer back before it launches it. Otherwise the task could run twice.
        Sid      = "TakeOffersBack"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${payloads.bucket_arn}/standby/*/answer"
      },
    ] if payloads != null
  ])

  standby_statements = flatten([
    for payloads in [var.payloads] : [
      {
        Sid      = "OfferWorkloadsToStandbys"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = ["${payloads.bucket_arn}/launches/*", "${payloads.bucket_arn}/standby/*/offer"]
      },
      {
        # A standby gets its task's tags when it has taken one.
        Sid      = "TagStandbys"
        Effect   = "Allow"
        Action   = "ecs:TagResource"
        Resource = local.tasks
        Condition = {
          StringEquals = { "aws:ResourceTag/airflow-fargate:deployment" = var.name }
          StringLike   = { "aws:ResourceTag/airflow-fargate:standby" = "?*" }
        }
      },
    ] if payloads != null && var.standby
  ])

  # S3 and SQS use the keys for the caller; nobody calls KMS directly. In the payloads' bucket the scheduler only reads
  # what belongs to standbys, and it only receives events.
  key_statements = [
    for use in [
      { sid = "KeyOfPayloads", service = "s3", action = ["kms:GenerateDataKey", "kms:Decrypt"], store = var.payloads },
      { sid = "KeyOfTaskEvents", service = "sqs", action = "kms:Decrypt", store = var.queue },
      ] : {
      Sid       = use.sid
      Effect    = "Allow"
      Action    = use.action
      Resource  = use.store.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "${use.service}.${local.region}.${local.suffix}" } }
    } if use.store != null
  ]

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.statements, local.image_statements, local.queue_statements, local.payload_statements, local.standby_statements, local.key_statements)
  })
}

resource "aws_iam_policy" "scheduler" {
  name        = "${var.name}-scheduler"
  description = "What the FargateExecutor of ${var.name} calls, and nothing else."
  policy      = local.policy

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "scheduler" {
  for_each = var.role_names

  role       = each.key
  policy_arn = aws_iam_policy.scheduler.arn
}
