data "aws_region" "current" {}

locals {
  # The container's root file system is read-only; these two are what Airflow writes. Fargate gives a volume the
  # owner and mode that the image declares for it (VOLUME), else root's: the image declares both.
  writable = {
    tmp  = "/tmp"
    logs = "/opt/airflow/logs"
  }

  # The same for the container, which writes task logs, and for Airflow's page, which reads them.
  logging = merge([
    for logs in [var.logs] : {
      remote_logging         = "True"
      remote_base_log_folder = "s3://${logs.bucket}/${logs.prefix}"
      remote_log_conn_id     = "aws_default"

      # The bucket encrypts by itself, with the deployment's key; Airflow's own switch would ask for another one.
      encrypt_s3_logs = "False"
    } if logs != null
  ]...)

  environment = merge(
    { for url in compact([var.execution_api_server_url]) : "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" => url },
    { for key, value in local.logging : "AIRFLOW__LOGGING__${upper(key)}" => value },
    var.environment,
  )

  container = {
    name      = "worker"
    image     = var.image
    essential = true
    user      = "50000:0"

    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }

    # The most that Fargate allows: a task that is told to stop may finish its on_kill and hand in its log.
    stopTimeout = 120

    mountPoints = [
      for volume, path in local.writable : { sourceVolume = volume, containerPath = path, readOnly = false }
    ]

    environment = [for name, value in local.environment : { name = name, value = value }]
    secrets     = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.worker.name
        "awslogs-region"        = data.aws_region.current.id
        "awslogs-stream-prefix" = "worker"

        # A CloudWatch that answers slowly must not hold up a task; Airflow's own copy of the log goes to S3.
        "mode"            = "non-blocking"
        "max-buffer-size" = "25m"
      }
    }

    # ECS adds these when they are missing, and the next plan would show a change.
    portMappings   = []
    systemControls = []
    volumesFrom    = []
  }
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "${var.name}-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.size.architecture
  }

  ephemeral_storage {
    size_in_gib = var.size.ephemeral_storage_gib
  }

  dynamic "volume" {
    for_each = local.writable

    content {
      name = volume.key
    }
  }

  # The executor names the family, so the newest revision is what runs. There must never be none: the new
  # revision is registered before the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/airflow-fargate/${var.name}/worker"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days
}
