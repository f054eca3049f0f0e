# One of Airflow's components as an ECS service. Roles, rules and the log group always exist; the task definition and the
# service only once the image is known.

data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  made = { for image in [var.image] : (var.component) => image if image != null }

  # The root file system is read-only; Airflow writes to these two. The image declares both as VOLUME, so that they
  # belong to its user.
  writable = {
    tmp  = "/tmp"
    logs = "/opt/airflow/logs"
  }

  environment = merge({ HOME = local.writable.tmp, AWS_REGION = data.aws_region.current.id }, var.environment)

  # A new map with the defaults that ECS fills in: without them, each plan shows a change.
  container = {
    image            = var.image
    user             = "50000:0"
    linuxParameters  = { initProcessEnabled = true }
    environment      = [for name, value in local.environment : { name = name, value = value }]
    secrets          = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    logConfiguration = local.log
    mountPoints      = [for volume, path in local.writable : { sourceVolume = volume, containerPath = path, readOnly = false }]
    portMappings     = []
    systemControls   = []
    volumesFrom      = []

    readonlyRootFilesystem = true
  }

  log = {
    logDriver = "awslogs"
    options = {
      "awslogs-group"         = aws_cloudwatch_log_group.component.name
      "awslogs-region"        = data.aws_region.current.id
      "awslogs-stream-prefix" = var.component

      # A slow CloudWatch must not hold up the component.
      "mode"            = "non-blocking"
      "max-buffer-size" = "25m"
    }
  }

  main = merge(local.container, {
    name        = var.component
    essential   = true
    command     = var.command
    stopTimeout = var.stop_timeout

    healthCheck = {
      command     = concat(["CMD"], var.health_command)
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 180
    }

    portMappings = [
      for port in [var.port] : { containerPort = port, hostPort = port, protocol = "tcp" } if port != null
    ]

    dependsOn = [for init in local.init : { containerName = init.name, condition = "SUCCESS" }]
  })

  # Runs to its end before the component starts. It has no startTimeout: a migration takes one to five minutes, and
  # Fargate's limit is two. Without one, the component waits until this container has ended.
  init = [
    for command in [var.init_command] : merge(local.container, {
      name      = "prepare"
      essential = false
      command   = command
    }) if command != null
  ]

  # SSM's agent needs a writable root, and the component keeps a read-only one. All containers of a task share their
  # network, so a tunnel to this one reaches the component's port. It has no secret.
  tunnel = [
    for image in [var.image] : merge(local.container, {
      name        = "tunnel"
      essential   = false
      entryPoint  = ["sleep"]
      command     = ["infinity"]
      environment = []
      secrets     = []
      mountPoints = []

      readonlyRootFilesystem = false
    }) if var.tunnel
  ]
}

resource "aws_ecs_task_definition" "component" {
  #checkov:skip=CKV_AWS_336:Only the tunnel's container has a writable root, which SSM's agent needs.
  for_each = local.made

  family                   = "${var.name}-${var.component}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode(concat([local.main], local.init, local.tunnel))

  # ECS returns to the revision before when a deployment fails, which works only while that one is active.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  dynamic "volume" {
    for_each = local.writable

    content {
      name = volume.key
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition = contains(lookup({
        256  = [512, 1024, 2048]
        512  = range(1024, 4097, 1024)
        1024 = range(2048, 8193, 1024)
        2048 = range(4096, 16385, 1024)
        4096 = range(8192, 30721, 1024)
      }, tostring(var.cpu), []), var.memory)
      error_message = "Fargate has no size with cpu ${var.cpu} and memory ${var.memory}. Sizes (cpu: memory in MiB) are 256: 512, 1024, 2048; 512: 1024 to 4096; 1024: 2048 to 8192; 2048: 4096 to 16384; 4096: 8192 to 30720, in steps of 1024."
    }

    precondition {
      condition     = length(setintersection(keys(local.environment), keys(var.secrets))) == 0
      error_message = "In both environment and secrets: ${join(", ", setintersection(keys(local.environment), keys(var.secrets)))}. ECS rejects a name that is in both; remove it from environment."
    }
  }

  tags = var.tags
}

resource "aws_ecs_service" "component" {
  for_each = local.made

  name            = var.component
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.component[each.key].arn
  desired_count   = var.desired_count

  # Not the cluster's default capacity, which may be Spot.
  launch_type      = "FARGATE"
  platform_version = "LATEST"

  enable_execute_command = var.tunnel
  propagate_tags         = "SERVICE"

  # The new containers start first; the old ones stop when the new ones are healthy. If they never are, ECS returns to
  # the old revision.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = var.wait_for_steady_state

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = var.assign_public_ip
  }

  dynamic "service_registries" {
    for_each = [for arn in [var.registry_arn] : arn if arn != null]

    content {
      registry_arn = service_registries.value
    }
  }

  tags = var.tags

  # var.after orders services without making anything in this module unknown, as depends_on of the module would.
  depends_on = [
    aws_iam_role_policy.task,
    aws_iam_role_policy.execution,
    aws_iam_role_policy_attachment.task,
    aws_vpc_security_group_ingress_rule.component,
    aws_vpc_security_group_egress_rule.component,
    var.after,
  ]

  lifecycle {
    # Release 5 of the provider takes a rollback for a success (terraform-provider-aws #20858).
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.component[each.key].arn
      error_message = "The new containers of ${var.component} did not become healthy, and ECS went back to ${self.task_definition}. See why: aws logs tail ${aws_cloudwatch_log_group.component.name} --since 1h --region ${data.aws_region.current.id}"
    }
  }
}

resource "aws_cloudwatch_log_group" "component" {
  name              = "/airflow-fargate/${var.name}/${var.component}"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days

  tags = var.tags
}
