# What ECS may do to start the container: pull, log, fetch secrets.

locals {
  # ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, with -fips, China's .cn, or the dual-stack host: the repository may be in
  # another account or region.
  ecr = try(regex("^(?P<account>[0-9]{12})\\.dkr[.-]ecr(?:-fips)?\\.(?P<region>[a-z0-9-]+)\\.(?:amazonaws\\.com(?:\\.cn)?|on\\.aws|on\\.amazonwebservices\\.com\\.cn)/(?P<name>[^:@]+)", var.image), null)

  repository_arn = local.ecr == null ? null : "arn:${data.aws_partition.current.partition}:ecr:${local.ecr.region}:${local.ecr.account}:repository/${local.ecr.name}"

  pull = concat(
    ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
    var.pull_through_cache ? ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"] : [],
  )

  pull_statements = [
    for repository in [local.repository_arn] : { Sid = "Pull", Effect = "Allow", Action = local.pull, Resource = repository } if repository != null
  ]

  # A secret's ARN may be followed by ":json-key:version-stage:version-id", which is not part of the resource.
  secret_arns    = toset([for arn in concat(values(var.secrets), compact([var.repository_credentials_arn])) : join(":", slice(split(":", arn), 0, 7))])
  parameter_arns = toset(values(var.parameters))

  # Including the quotes and the comma of each in the policy.
  secret_characters = sum(concat([0], [for arn in concat(tolist(local.secret_arns), tolist(local.parameter_arns), var.secrets_kms_key_arns) : length(arn) + 3]))

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
      { Sid = "KeysOfSecrets", Effect = "Allow", Action = "kms:Decrypt", Resource = sort(distinct(var.secrets_kms_key_arns)) },
    ] : statement if length(statement.Resource) > 0
  ]
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  description          = "Starts the worker containers of ${var.name}: pull, log, secrets."
  assume_role_policy   = local.assumed_by_ecs
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name = "pull-and-log"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        # This call has no resource.
        Sid      = "RegistryToken"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.worker.arn}:log-stream:*"
      },
    ], local.pull_statements, local.secret_statements)
  })

  lifecycle {
    # AWS limits the inline policies of a role to 10,240 characters. Everything but the secrets takes less than 1,500.
    precondition {
      condition     = local.secret_characters <= 8500
      error_message = "The ARNs of ${length(local.secret_arns) + length(local.parameter_arns)} secrets, parameters and their keys have ${local.secret_characters} characters. The execution role's inline policy has room for 8500, about 90 secrets. Put several values into one secret and read them by their JSON keys (ARN:key::)."
    }
  }
}
