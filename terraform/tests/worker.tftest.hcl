mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "airflow"
  image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1"
  repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/worker"
  kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  payloads       = { bucket_arn = "arn:aws:s3:::payloads", prefix = "workloads", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/payloads" }
  logs           = { bucket = "logs", bucket_arn = "arn:aws:s3:::logs", prefix = "logs", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/logs" }

  network = {
    vpc_id  = "vpc-0123456789abcdef0"
    https   = { cidrs = ["0.0.0.0/0"], prefix_lists = {} }
    airflow = { port = 8080, cidrs = ["10.0.0.0/16"], security_group_ids = ["sg-0aaa"] }
  }
}

run "container_and_its_rights_are_hardened" {
  module {
    source = "./modules/worker"
  }

  assert {
    condition = alltrue([for container in jsondecode(aws_ecs_task_definition.worker.container_definitions) :
      container.name == "worker" && container.user == "50000:0" && container.readonlyRootFilesystem && container.linuxParameters.initProcessEnabled && container.stopTimeout == 120
    ])
    error_message = "The container must be non-root and read-only, have an init process and time to stop."
  }

  assert {
    condition     = toset([for mount in jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].mountPoints : mount.containerPath]) == toset(["/tmp", "/opt/airflow/logs"])
    error_message = "What Airflow writes must be writable, and no more."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].logConfiguration.options["awslogs-stream-prefix"] == output.log.stream_prefix
    error_message = "The executor must be told the stream prefix that the container has."
  }

  assert {
    condition     = jsonencode(output.egress) == jsonencode({ "https 0.0.0.0/0" = 443, "airflow 10.0.0.0/16" = 8080, "airflow group 0" = 8080 })
    error_message = "Out goes HTTPS and the way to Airflow: ${jsonencode(output.egress)}"
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.task["payload"].policy).Statement : statement.Action if startswith(statement.Resource, "arn:aws:s3:")])) == toset(["s3:GetObject", "s3:DeleteObject"])
    error_message = "A task may fetch and delete payloads, and not list them."
  }

  assert {
    condition     = keys(aws_iam_role_policy.task) == ["logs", "payload"] && !anytrue([for policy in aws_iam_role_policy.task : strcontains(policy.policy, "\"*\"")])
    error_message = "No permission of the task role is for everything."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.execution.policy, "secretsmanager") && !strcontains(aws_iam_role_policy.execution.policy, "ssm:")
    error_message = "No secret named, no permission."
  }
}

run "what_is_chosen_reaches_the_task" {
  module {
    source = "./modules/worker"
  }

  variables {
    execution_api_server_url = "http://airflow.internal:8080/execution/"
    environment              = { AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID = "logs", TEAM = "data" }
    network = {
      vpc_id  = "vpc-0123456789abcdef0"
      https   = { cidrs = ["10.0.0.0/16"], prefix_lists = { s3 = "pl-63a5400a" } }
      airflow = { port = 443, cidrs = ["10.0.0.0/16"], security_group_ids = [] }
    }
    secrets = {
      AIRFLOW_CONN_DB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:url::"
      API_KEY         = "arn:aws:ssm:us-east-1:123456789012:parameter/api-key"
    }
    secrets_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"]
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    task_policy_arns     = { athena = "arn:aws:iam::123456789012:policy/athena" }
    size                 = { cpu = 16384, memory = 122880, architecture = "ARM64", ephemeral_storage_gib = 200 }
  }

  assert {
    condition     = output.environment.AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER == output.settings.logging.remote_base_log_folder
    error_message = "The container must write its logs where Airflow reads them."
  }

  assert {
    condition     = output.environment.AIRFLOW__CORE__EXECUTION_API_SERVER_URL == "http://airflow.internal:8080/execution/"
    error_message = "The container needs the API server's address."
  }

  assert {
    condition     = output.environment.AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID == "logs" && output.environment.TEAM == "data"
    error_message = "What the caller sets outranks what is set here."
  }

  assert {
    condition     = jsonencode(output.egress) == jsonencode({ "https 10.0.0.0/16" = 443, "https s3" = 443 })
    error_message = "AWS refuses the same rule twice: ${jsonencode(output.egress)}"
  }

  assert {
    condition = alltrue([
      for needed in [
        ["FetchSecrets", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"],
        ["FetchParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/api-key"],
        ["KeysOfSecrets", "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"],
      ] : contains([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : jsonencode([statement.Sid, flatten([statement.Resource])[0]])], jsonencode(needed))
    ])
    error_message = "Exactly the secrets named may be fetched."
  }

  assert {
    condition     = aws_iam_role.task.permissions_boundary == var.permissions_boundary && aws_iam_role.execution.permissions_boundary == var.permissions_boundary
    error_message = "Both roles have the boundary."
  }

  assert {
    condition     = aws_iam_role_policy_attachment.task["athena"].policy_arn == "arn:aws:iam::123456789012:policy/athena"
    error_message = "The task role has the further policy."
  }

  assert {
    condition     = aws_ecs_task_definition.worker.cpu == "16384" && aws_ecs_task_definition.worker.runtime_platform[0].cpu_architecture == "ARM64"
    error_message = "The largest size that Fargate has must be taken."
  }
}

run "smallest_size_is_taken_and_without_buckets_the_task_may_nothing" {
  module {
    source = "./modules/worker"
  }

  variables {
    payloads = null
    logs     = null
    size     = { cpu = 256, memory = 512 }
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0
    error_message = "No bucket, no permission."
  }

  assert {
    condition     = aws_ecs_task_definition.worker.memory == "512"
    error_message = "The smallest size that Fargate has must be taken."
  }
}

run "wrong_inputs_are_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    task_policy_arns = { athena = "AmazonAthenaFullAccess" }
    size             = { cpu = 1024, memory = 1024 }
    image            = "example.org:5000/airflow"
    secrets          = { API_KEY = "hunter2" }
    environment      = { "MY-VARIABLE" = "x" }
    network = {
      vpc_id  = "vpc-0123456789abcdef0"
      https   = { cidrs = ["0.0.0.0/0"], prefix_lists = {} }
      airflow = { port = 0, cidrs = ["anywhere"], security_group_ids = [] }
    }
  }

  expect_failures = [var.size, var.image, var.secrets, var.environment, var.task_policy_arns, var.network]
}

run "step_that_fargate_lacks_is_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    size = { cpu = 8192, memory = 18432 }
  }

  expect_failures = [var.size]
}

run "cpu_that_fargate_lacks_is_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    size = { cpu = 1000, memory = 2048 }
  }

  expect_failures = [var.size]
}

run "unknown_architecture_is_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    size = { architecture = "amd64" }
  }

  expect_failures = [var.size]
}

run "too_much_disk_is_refused" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    size = { ephemeral_storage_gib = 201 }
  }

  expect_failures = [var.size]
}
