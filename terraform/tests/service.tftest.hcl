mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "airflow"
  component      = "triggerer"
  image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/control"
  command        = ["triggerer"]
  health_command = ["airflow-fargate-control", "alive"]
  cpu            = 256
  memory         = 1024

  secrets           = { AIRFLOW__CORE__FERNET_KEY = "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow/fernet-AbCdEf::AWSPREVIOUS:" }
  read_secret_arns  = ["arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-AbCdEf"]
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  security_group_id = "sg-0aaa"
  cluster_arn       = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
  subnet_ids        = ["subnet-0a", "subnet-0b"]
  https             = { cidrs = ["0.0.0.0/0"], prefix_lists = {} }
}

run "a_deployment_starts_new_containers_first_and_goes_back_if_they_are_not_healthy" {
  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_ecs_service.component["triggerer"].deployment_minimum_healthy_percent == 100 && aws_ecs_service.component["triggerer"].deployment_maximum_percent == 200 && aws_ecs_service.component["triggerer"].deployment_circuit_breaker[0].rollback && aws_ecs_service.component["triggerer"].wait_for_steady_state
    error_message = "Old containers must stay until new ones are healthy."
  }

  assert {
    condition     = aws_ecs_service.component["triggerer"].launch_type == "FARGATE" && !aws_ecs_service.component["triggerer"].enable_execute_command && aws_ecs_task_definition.component["triggerer"].skip_destroy
    error_message = "Airflow runs On-Demand, without ECS Exec unless asked for, and the revision before must stay active."
  }

  assert {
    condition = alltrue([for container in jsondecode(aws_ecs_task_definition.component["triggerer"].container_definitions) :
      container.name == "triggerer" && container.user == "50000:0" && container.readonlyRootFilesystem && container.linuxParameters.initProcessEnabled && container.stopTimeout == 60 && container.healthCheck.startPeriod == 180 && container.healthCheck.command == ["CMD", "airflow-fargate-control", "alive"]
    ])
    error_message = "The container must be non-root, read-only and checked: ${aws_ecs_task_definition.component["triggerer"].container_definitions}"
  }

  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : jsonencode(statement.Resource) if statement.Sid == "FetchSecrets"]) == toset([jsonencode(["arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow/fernet-AbCdEf"])])
    error_message = "A version stage is no part of the resource: ${aws_iam_role_policy.execution.policy}"
  }
}

run "until_the_image_is_pushed_everything_but_the_service_is_made" {
  module {
    source = "./modules/service"
  }

  variables {
    image = null
  }

  assert {
    condition     = length(aws_ecs_service.component) == 0 && length(aws_ecs_task_definition.component) == 0 && output.service_name == null && aws_iam_role.task.name == "airflow-triggerer"
    error_message = "Roles and rules come first, the service with the image."
  }
}

run "an_init_container_and_a_tunnel_stand_beside_a_component_that_stays_read_only" {
  module {
    source = "./modules/service"
  }

  variables {
    component    = "api"
    init_command = ["prepare"]
    tunnel       = true
    registry_arn = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0"
    port         = 8080
    ingress      = { tasks = "sg-0ccc" }
    egress       = { database = { port = 5432, security_group_id = "sg-0bbb" } }
  }

  assert {
    condition = {
      for container in jsondecode(aws_ecs_task_definition.component["api"].container_definitions) : container.name => [container.essential, container.readonlyRootFilesystem, length(container.secrets)]
    } == { api = [true, true, 1], prepare = [false, true, 1], tunnel = [false, false, 0] }
    error_message = "The tunnel has no secret, and only it has a writable root."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.component["api"].container_definitions)[0].dependsOn == [{ containerName = "prepare", condition = "SUCCESS" }]
    error_message = "The component waits for the init container."
  }

  assert {
    condition     = { for key, rule in aws_vpc_security_group_egress_rule.component : key => rule.to_port } == { "https 0.0.0.0/0" = 443, database = 5432 } && aws_vpc_security_group_ingress_rule.component["tasks"].to_port == 8080
    error_message = "In comes the port, out go HTTPS and the database."
  }

  assert {
    condition     = aws_ecs_service.component["api"].enable_execute_command && aws_ecs_service.component["api"].service_registries[0].registry_arn == var.registry_arn && strcontains(aws_iam_role_policy.task.policy, "ssmmessages:OpenDataChannel")
    error_message = "SSM needs the agent and its four actions; Cloud Map the registration."
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    component     = "Triggerer"
    image         = "airflow/control:latest"
    architecture  = "arm64"
    stop_timeout  = 300
    desired_count = 0.5
    secrets       = {}
  }

  expect_failures = [var.component, var.image, var.architecture, var.stop_timeout, var.desired_count, var.secrets]
}

run "a_size_that_fargate_does_not_have_and_a_name_in_both_maps_are_rejected" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    memory      = 4096
    environment = { AIRFLOW__CORE__FERNET_KEY = "x" }
  }

  expect_failures = [aws_ecs_task_definition.component]
}
