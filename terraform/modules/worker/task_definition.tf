data "aws_region" "current" {}

locals {
  # The root file system is read-only, and Airflow writes to these two. The image declares both (VOLUME), so Fargate gives the
  # volumes the owner and mode that they have in the image.
  writable = {
    tmp  = "/tmp"
    logs = "/opt/airflow/logs"
  }

  # The same for the container, which writes task logs, and for the API server, which reads them. There is no connection, so
  # Airflow uses the role that it runs with, and aws_default belongs to the users.
  logging = merge([
    for logs in [var.logs] : {
      remote_logging         = "True"
      remote_base_log_folder = "s3://${logs.bucket}/${logs.prefix}"

      # The bucket encrypts with the deployment's key. Airflow's own option would ask for another key.
      encrypt_s3_logs = "False"
    } if logs != null
  ]...)

  # A redeploy of the API server takes minutes, and tasks must survive that. 60 tries at most 10 s apart
  # take about five minutes in one call; with Airflow's defaults (5 tries, three failed heartbeats) a running task is
  # terminated after half a minute. Errors that are not tried again within a call count as failed heartbeats, 5 s apart.
  api_server = merge([
    for url in [var.execution_api_server_url] : {
      AIRFLOW__CORE__EXECUTION_API_SERVER_URL        = url
      AIRFLOW__WORKERS__EXECUTION_API_RETRIES        = "60"
      AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX = "10"
      AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS        = "40"
    } if url != null
  ]...)

  environment = merge(
    # Libraries keep caches and settings in HOME (Hugging Face, torch, NLTK, matplotlib), and the image's HOME is read-only.
    { HOME = local.writable.tmp },
    local.api_server,
    { for key, value in local.logging : "AIRFLOW__LOGGING__${upper(key)}" => value },
    var.environment,
  )

  # Name -> where ECS fetches the value.
  secrets = merge(var.secrets, var.parameters)

  given_twice = setunion(
    setintersection(keys(local.environment), keys(local.secrets)),
    setintersection(keys(var.secrets), keys(var.parameters)),
  )

  registry = merge([
    for secret in [var.repository_credentials_arn] : { repositoryCredentials = { credentialsParameter = secret } } if secret != null
  ]...)

  container = merge(local.registry, {
    name      = "worker"
    image     = var.image
    essential = true
    user      = "50000:0"

    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }

    # Fargate's maximum: time for a stopped task to finish its on_kill and to upload its log.
    stopTimeout = 120

    mountPoints = [
      for volume, path in local.writable : { sourceVolume = volume, containerPath = path, readOnly = false }
    ]

    environment = [for name, value in local.environment : { name = name, value = value }]
    secrets     = [for name, arn in local.secrets : { name = name, valueFrom = arn }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.worker.name
        "awslogs-region"        = data.aws_region.current.id
        "awslogs-stream-prefix" = "worker"

        # A slow CloudWatch must not block a task. Airflow's own copy of the log goes to S3.
        "mode"            = "non-blocking"
        "max-buffer-size" = "25m"
      }
    }

    # ECS adds these if they are missing, and the next plan would show a change.
    portMappings   = []
    systemControls = []
    volumesFrom    = []
  })
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "${var.name}-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])

  # Whether old revisions stay active. AWS runs no new tasks from an inactive one, which matters to a scheduler that is
  # pinned to a revision (family:revision) until it is replaced itself.
  skip_destroy = var.keep_revisions

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  ephemeral_storage {
    size_in_gib = var.ephemeral_storage_gib
  }

  dynamic "volume" {
    for_each = local.writable

    content {
      name = volume.key
    }
  }

  # If the executor names the family, the newest revision runs. Register the new one before the old one goes.
  lifecycle {
    create_before_destroy = true

    precondition {
      condition = contains(lookup({
        256   = [512, 1024, 2048]
        512   = range(1024, 4097, 1024)
        1024  = range(2048, 8193, 1024)
        2048  = range(4096, 16385, 1024)
        4096  = range(8192, 30721, 1024)
        8192  = range(16384, 61441, 4096)
        16384 = range(32768, 122881, 8192)
      }, tostring(var.cpu), []), var.memory)
      error_message = "Fargate has no size with cpu ${var.cpu} and memory ${var.memory}. Sizes (cpu: memory in MiB) are 256: 512, 1024, 2048; 512: 1024 to 4096; 1024: 2048 to 8192; 2048: 4096 to 16384; 4096: 8192 to 30720 (each in steps of 1024); 8192: 16384 to 61440 in steps of 4096; 16384: 32768 to 122880 in steps of 8192."
    }

    precondition {
      condition     = length(local.given_twice) == 0
      error_message = "Set twice: ${join(", ", local.given_twice)}. ECS rejects a name that is in more than one of environment (including what the module sets), secrets and parameters. Remove it from all but one."
    }
  }

  tags = var.tags
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/airflow-fargate/${var.name}/worker"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days

  tags = var.tags
}
