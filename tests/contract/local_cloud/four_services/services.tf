# The cluster, and the four services from one definition.

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${local.name}"
  retention_in_days = 1
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${local.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_ecs_cluster" "this" {
  name = local.name
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.services

  family                   = "${local.name}-${each.key}"
  cpu                      = 256
  memory                   = 512
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  execution_role_arn       = aws_iam_role.execution.arn
  skip_destroy             = true # a rollback needs the revision before
  container_definitions = jsonencode([
    {
      name           = "init"
      image          = var.image
      essential      = false
      command        = ["bash", "-c", "echo prepared"]
      environment    = []
      mountPoints    = []
      portMappings   = []
      systemControls = []
      volumesFrom    = []
      cpu            = 0
    },
    {
      name            = each.key
      image           = var.image
      essential       = true
      command         = ["bash", "-c", each.value.command]
      cpu             = 0
      mountPoints     = []
      systemControls  = []
      volumesFrom     = []
      stopTimeout     = 10
      dependsOn       = [{ containerName = "init", condition = "SUCCESS" }]
      portMappings    = each.key == "api" ? [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }] : []
      linuxParameters = { initProcessEnabled = true }
      environment = [
        { name = "API_HOST", value = "api.${aws_service_discovery_private_dns_namespace.this.name}" },
        { name = "PGDATABASE", value = aws_db_instance.this.db_name },
        { name = "PGHOST", value = aws_db_instance.this.address },
        { name = "PGSSLMODE", value = "verify-full" },
        { name = "PGSSLROOTCERT", value = "/tmp/ca.pem" },
        { name = "PGUSER", value = aws_db_instance.this.username },
        { name = "RELEASE", value = each.key == "api" ? var.release : "any" },
      ]
      secrets = [
        { name = "FERNET_KEY", valueFrom = aws_secretsmanager_secret_version.fernet.arn },
        { name = "SECRET", valueFrom = aws_db_instance.this.master_user_secret[0].secret_arn },
        { name = "SETTING", valueFrom = aws_ssm_parameter.setting.arn },
      ]
      healthCheck = {
        command     = ["CMD-SHELL", each.value.health]
        interval    = 5
        timeout     = 2
        retries     = 2
        startPeriod = 0
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = "us-east-1"
          awslogs-stream-prefix = each.key
        }
      }
    },
  ])
}

resource "aws_ecs_service" "this" {
  for_each = local.services

  name                               = each.key
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this[each.key].arn
  desired_count                      = 1
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = aws_subnet.this[*].id
    security_groups = [aws_security_group.this.id]
  }

  dynamic "service_registries" {
    for_each = each.key == "api" ? [aws_service_discovery_service.api.arn] : []
    content {
      registry_arn = service_registries.value
    }
  }

  dynamic "load_balancer" {
    for_each = each.key == "api" ? [aws_lb_target_group.api.arn] : []
    content {
      target_group_arn = load_balancer.value
      container_name   = "api"
      container_port   = 8080
    }
  }

  lifecycle {
    # wait_for_steady_state takes a rollback for success (terraform-provider-aws #20858).
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.this[each.key].arn
      error_message = "The deployment of ${each.key} was rolled back to ${self.task_definition}."
    }
    ignore_changes = [desired_count]
  }

  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_lb_listener.api]
}

# Load balancer and autoscaling of the API

resource "aws_lb" "api" {
  name               = local.name
  internal           = true
  load_balancer_type = "application"
  subnets            = aws_subnet.this[*].id
  security_groups    = [aws_security_group.this.id]
}

resource "aws_lb_target_group" "api" {
  name        = local.name
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = aws_vpc.this.id
}

resource "aws_lb_listener" "api" {
  load_balancer_arn = aws_lb.api.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api.arn
  }
}

resource "aws_appautoscaling_target" "api" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this["api"].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 1
  max_capacity       = 3
}

resource "aws_appautoscaling_policy" "api" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.api.service_namespace
  resource_id        = aws_appautoscaling_target.api.resource_id
  scalable_dimension = aws_appautoscaling_target.api.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = 70

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

output "snapshot" {
  value = aws_db_instance.this.final_snapshot_identifier
}
