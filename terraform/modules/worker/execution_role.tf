# What ECS may do to start the container: pull, log, fetch secrets.

locals {
  # An ARN of a secret may have ":json-key:version-stage:version-id" behind it, which is no part of the resource.
  secret_arns    = toset([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7)) if strcontains(arn, ":secretsmanager:")])
  parameter_arns = toset([for arn in values(var.secrets) : arn if strcontains(arn, ":ssm:")])

  assumed_by_ecs = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  secret_statements = [
    for statement in [
      { Sid = "FetchSecrets", Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = sort(local.secret_arns) },
      { Sid = "FetchParameters", Effect = "Allow", Action = "ssm:GetParameters", Resource = sort(local.parameter_arns) },
      { Sid = "KeysOfSecrets", Effect = "Allow", Action = "kms:Decrypt", Resource = sort(var.secrets_kms_key_arns) },
    ] : statement if length(statement.Resource) > 0
  ]
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  description          = "Starts the worker containers of ${var.name}: pull, log, secrets."
  assume_role_policy   = local.assumed_by_ecs
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "execution" {
  name = "pull-and-log"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        # The token is the account's; this call knows no resource.
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
        Resource = "${aws_cloudwatch_log_group.worker.arn}:log-stream:*"
      },
    ], local.secret_statements)
  })
}
