# Task role: what the component itself may call. Execution role: what ECS may do to start it.

locals {
  assumed_by_ecs = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  # These calls have no resource.
  tunnel_statements = [
    for action in [["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]] : {
      Sid      = "Tunnel"
      Effect   = "Allow"
      Action   = action
      Resource = "*"
    } if var.tunnel
  ]

  # The component reads these itself, each time it needs one.
  read_statements = [
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = var.read_secret_arns
    },
    {
      Sid       = "KeyOfSecrets"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}" } }
    },
  ]

  # ECS fetches these before the container starts. A version stage behind an ARN is no part of the resource.
  injected_secret_arns = toset([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))])
}

resource "aws_iam_role" "task" {
  name                 = "${var.name}-${var.component}"
  description          = "Airflow's ${var.component} of ${var.name}"
  assume_role_policy   = local.assumed_by_ecs
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "task" {
  name = "component"
  role = aws_iam_role.task.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.read_statements, local.tunnel_statements)
  })
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each = var.task_policy_arns

  role       = aws_iam_role.task.name
  policy_arn = each.value
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-${var.component}-execution"
  description          = "Starts the containers of ${var.component} of ${var.name}: image, log, secrets"
  assume_role_policy   = local.assumed_by_ecs
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # This call has no resource.
        Sid      = "RegistryToken"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "Pull"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        Resource = var.repository_arn
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.component.arn}:log-stream:*"
      },
      {
        Sid      = "FetchSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = sort(local.injected_secret_arns)
      },
      {
        Sid       = "KeyOfSecrets"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}" } }
      },
    ]
  })
}
