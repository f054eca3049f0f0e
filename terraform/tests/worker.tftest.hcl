mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  image       = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  payloads    = { bucket_arn = "arn:aws:s3:::payloads", prefix = "workloads", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/payloads" }
  logs        = { bucket = "logs", bucket_arn = "arn:aws:s3:::logs", prefix = "logs", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/logs" }

  vpc_id  = "vpc-0123456789abcdef0"
  https   = { cidrs = ["0.0.0.0/0"], prefix_lists = {} }
  airflow = { port = 8080, cidrs = ["10.0.0.0/16"], security_group_ids = { api = "sg-0aaa" } }
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
    error_message = "Only the two paths that Airflow writes to may be writable."
  }

  assert {
    condition     = contains([for mount in jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].mountPoints : mount.containerPath], output.environment.HOME)
    error_message = "HOME must be on a writable volume, because libraries keep caches in it: ${output.environment.HOME}"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].logConfiguration.options["awslogs-stream-prefix"] == output.log.stream_prefix
    error_message = "The executor must be told the stream prefix that the container has."
  }

  assert {
    condition     = jsonencode(output.egress) == jsonencode({ "https 0.0.0.0/0" = 443, "airflow 10.0.0.0/16" = 8080, "airflow group api" = 8080 })
    error_message = "Egress must be HTTPS and Airflow: ${jsonencode(output.egress)}"
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.task["payload"].policy).Statement : statement.Resource => statement.Action } == {
      "arn:aws:s3:::payloads/workloads/*"               = ["s3:GetObject", "s3:DeleteObject"]
      "arn:aws:kms:us-east-1:123456789012:key/payloads" = ["kms:Decrypt"]
    }
    error_message = "A task fetches and deletes payloads, and lists nothing: ${aws_iam_role_policy.task["payload"].policy}"
  }

  assert {
    condition     = keys(aws_iam_role_policy.task) == ["logs", "payload"] && !anytrue([for policy in aws_iam_role_policy.task : strcontains(policy.policy, "\"*\"")])
    error_message = "No permission of the task role may have the resource *."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.execution.policy, "secretsmanager") && !strcontains(aws_iam_role_policy.execution.policy, "ssm:")
    error_message = "Without secrets there must be no permission for secrets."
  }
}

run "standbys_take_offers_and_answer_them" {
  module {
    source = "./modules/worker"
  }

  variables {
    standby = true
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.task["payload"].policy).Statement : statement.Resource => statement.Action } == {
      "arn:aws:s3:::payloads/workloads/*"               = ["s3:GetObject", "s3:DeleteObject"]
      "arn:aws:s3:::payloads/standby/*/offer"           = ["s3:GetObject", "s3:DeleteObject"]
      "arn:aws:s3:::payloads/standby/*/answer"          = ["s3:GetObject", "s3:PutObject"]
      "arn:aws:kms:us-east-1:123456789012:key/payloads" = ["kms:Decrypt", "kms:GenerateDataKey"]
    }
    error_message = "A standby writes answers, and no offer: ${aws_iam_role_policy.task["payload"].policy}"
  }
}

run "logs_use_the_role_and_no_connection" {
  module {
    source = "./modules/worker"
  }

  assert {
    condition     = !strcontains(jsonencode([output.settings, output.environment]), "aws_default") && !can(output.settings.logging.remote_log_conn_id)
    error_message = "Logs must use the container's role; aws_default belongs to the users."
  }
}

run "a_task_survives_an_api_server_that_is_down_for_minutes" {
  module {
    source = "./modules/worker"
  }

  variables {
    execution_api_server_url = "http://airflow.internal:8080/execution/"
  }

  assert {
    condition = { for name, value in output.environment : name => value if startswith(name, "AIRFLOW__WORKERS__") } == {
      AIRFLOW__WORKERS__EXECUTION_API_RETRIES        = "60"
      AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX = "10"
      AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS        = "40"
    }
    error_message = "The container lacks a setting: ${jsonencode(output.environment)}"
  }
}

run "inputs_reach_the_task" {
  module {
    source = "./modules/worker"
  }

  variables {
    execution_api_server_url = "http://airflow.internal:8080/execution/"
    environment              = { AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID = "logs", TEAM = "data", HOME = "/home/airflow" }
    https                    = { cidrs = ["10.0.0.0/16"], prefix_lists = { s3 = "pl-63a5400a" } }
    airflow                  = { port = 443, cidrs = ["10.0.0.0/16"], security_group_ids = {} }
    secrets                  = { AIRFLOW_CONN_DB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:url::" }
    parameters               = { API_KEY = "arn:aws:ssm:us-east-1:123456789012:parameter/api-key" }
    secrets_kms_key_arns     = ["arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"]
    permissions_boundary     = "arn:aws:iam::123456789012:policy/boundary"
    task_policy_arns         = { athena = "arn:aws:iam::123456789012:policy/athena" }
    cpu                      = 16384
    memory                   = 122880
    architecture             = "ARM64"
    ephemeral_storage_gib    = 200
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
    condition     = output.environment.AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID == "logs" && output.environment.TEAM == "data" && output.environment.HOME == "/home/airflow"
    error_message = "The caller's environment must override the module's."
  }

  assert {
    condition     = jsonencode(output.egress) == jsonencode({ "https 10.0.0.0/16" = 443, "https s3" = 443 })
    error_message = "AWS rejects duplicate rules: ${jsonencode(output.egress)}"
  }

  assert {
    condition = { for secret in jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].secrets : secret.name => secret.valueFrom } == {
      AIRFLOW_CONN_DB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:url::"
      API_KEY         = "arn:aws:ssm:us-east-1:123456789012:parameter/api-key"
    }
    error_message = "The container gets secrets and parameters."
  }

  assert {
    condition = alltrue([
      for needed in [
        ["FetchSecrets", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"],
        ["FetchParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/api-key"],
        ["KeysOfSecrets", "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"],
      ] : contains([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : jsonencode([statement.Sid, flatten([statement.Resource])[0]])], jsonencode(needed))
    ])
    error_message = "ECS may fetch exactly the given secrets."
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
    error_message = "Fargate's largest size must be accepted."
  }
}

run "the_smallest_size_works_and_without_buckets_the_task_has_no_permissions" {
  module {
    source = "./modules/worker"
  }

  variables {
    payloads = null
    logs     = null
    cpu      = 256
    memory   = 512
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0
    error_message = "Without a bucket there must be no permission."
  }

  assert {
    condition     = aws_ecs_task_definition.worker.memory == "512"
    error_message = "Fargate's smallest size must be accepted."
  }
}

run "an_image_in_another_account_and_region_may_be_pulled" {
  module {
    source = "./modules/worker"
  }

  variables {
    image              = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/apache/airflow:3.3.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    pull_through_cache = true
  }

  assert {
    condition     = output.repository_arn == "arn:aws:ecr:eu-west-1:210987654321:repository/docker-hub/apache/airflow"
    error_message = "The repository must come from the image's reference: ${output.repository_arn}"
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : [statement.Resource, contains(statement.Action, "ecr:BatchGetImage"), contains(statement.Action, "ecr:BatchImportUpstreamImage")] if statement.Sid == "Pull"] == [
      [output.repository_arn, true, true]
    ]
    error_message = "ECS must be allowed to pull it and to fill the cache: ${aws_iam_role_policy.execution.policy}"
  }
}

run "every_host_name_of_ecr_is_recognised" {
  module {
    source = "./modules/worker"
  }

  variables {
    image = "123456789012.dkr-ecr.us-east-1.on.aws/airflow/worker:v1"
  }

  assert {
    condition     = output.repository_arn == "arn:aws:ecr:us-east-1:123456789012:repository/airflow/worker"
    error_message = "The dual-stack host is ECR too."
  }
}

run "an_image_in_another_private_registry_has_credentials" {
  module {
    source = "./modules/worker"
  }

  variables {
    image                      = "registry.example.org:5000/airflow/worker:v1"
    repository_credentials_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].repositoryCredentials.credentialsParameter == var.repository_credentials_arn
    error_message = "The task definition must name the registry's secret."
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "FetchSecrets"]), var.repository_credentials_arn)
    error_message = "ECS must be allowed to fetch the registry's secret."
  }

  assert {
    condition     = output.repository_arn == null && !strcontains(aws_iam_role_policy.execution.policy, "BatchGetImage")
    error_message = "Without an ECR image there must be no permission for ECR."
  }
}

run "tasks_may_connect_to_databases_and_duplicate_rules_are_made_once" {
  module {
    source = "./modules/worker"
  }

  variables {
    egress_cidrs = {
      warehouse = { port = 5439, cidrs = ["10.1.0.0/16", "10.2.0.0/16"] }
      reports   = { port = 5439, cidrs = ["10.2.0.0/16"] }
      api       = { port = 8080, cidrs = ["10.0.0.0/16"] }
    }
    egress_security_groups = { mysql = { port = 3306, security_group_id = "sg-0aaa" } }
  }

  assert {
    condition = output.egress == {
      "https 0.0.0.0/0"       = 443
      "airflow 10.0.0.0/16"   = 8080
      "airflow group api"     = 8080
      "mysql group"           = 3306
      "reports 10.2.0.0/16"   = 5439
      "warehouse 10.1.0.0/16" = 5439
    }
    error_message = "Each port and range must appear once: ${jsonencode(output.egress)}"
  }
}

run "reordering_changes_no_rule" {
  module {
    source = "./modules/worker"
  }

  variables {
    https   = { cidrs = ["10.2.0.0/16", "10.1.0.0/16"], prefix_lists = {} }
    airflow = { port = 8080, cidrs = ["10.4.0.0/16", "10.3.0.0/16"], security_group_ids = { z = "sg-0bbb", a = "sg-0ccc" } }
  }

  assert {
    condition = { for key, rule in aws_vpc_security_group_egress_rule.worker : key => coalesce(rule.cidr_ipv4, rule.referenced_security_group_id) } == {
      "https 10.1.0.0/16"   = "10.1.0.0/16"
      "https 10.2.0.0/16"   = "10.2.0.0/16"
      "airflow 10.3.0.0/16" = "10.3.0.0/16"
      "airflow 10.4.0.0/16" = "10.4.0.0/16"
      "airflow group a"     = "sg-0ccc"
      "airflow group z"     = "sg-0bbb"
    }
    error_message = "Keys must be ranges and the caller's names, in any order."
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    task_policy_arns     = { athena = "AmazonAthenaFullAccess" }
    image                = "example.org:5000/airflow"
    secrets              = { API_KEY = "hunter2" }
    parameters           = { KEY = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf" }
    environment          = { "MY-VARIABLE" = "x" }
    secrets_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:alias/secrets"]
    airflow              = { port = 0, cidrs = ["anywhere"], security_group_ids = {} }
  }

  expect_failures = [var.image, var.secrets, var.parameters, var.environment, var.secrets_kms_key_arns, var.task_policy_arns, var.airflow]
}

run "invalid_variable_names_are_rejected_in_secrets_too" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    secrets                    = { "MY-KEY" = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf" }
    parameters                 = { "1KEY" = "arn:aws:ssm:us-east-1:123456789012:parameter/api-key" }
    repository_credentials_arn = "hunter2"
  }

  expect_failures = [var.secrets, var.parameters, var.repository_credentials_arn]
}

run "a_name_in_environment_and_secrets_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    environment = { TEAM = "data" }
    secrets     = { TEAM = "arn:aws:secretsmanager:us-east-1:123456789012:secret:team-AbCdEf" }
  }

  expect_failures = [aws_ecs_task_definition.worker]
}

run "a_name_that_the_module_sets_is_rejected_in_parameters" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    execution_api_server_url = "http://airflow.internal:8080/execution/"
    parameters               = { AIRFLOW__CORE__EXECUTION_API_SERVER_URL = "arn:aws:ssm:us-east-1:123456789012:parameter/url" }
  }

  expect_failures = [aws_ecs_task_definition.worker]
}

run "a_name_in_secrets_and_parameters_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    secrets    = { TEAM = "arn:aws:secretsmanager:us-east-1:123456789012:secret:team-AbCdEf" }
    parameters = { TEAM = "arn:aws:ssm:us-east-1:123456789012:parameter/team" }
  }

  expect_failures = [aws_ecs_task_definition.worker]
}

run "ninety_secrets_fit" {
  module {
    source = "./modules/worker"
  }

  variables {
    secrets = { for number in range(90) : "SECRET_${number}" => "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow/connection-${100 + number}-AbCdEf" }
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.worker.container_definitions)[0].secrets) == 90 && length(aws_iam_role_policy.execution.policy) <= 10240
    error_message = "IAM takes 10,240 characters: ${length(aws_iam_role_policy.execution.policy)}"
  }
}

run "more_secrets_than_the_policy_has_room_for_are_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    secrets = { for number in range(120) : "SECRET_${number}" => "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow/connection-${100 + number}-AbCdEf" }
  }

  expect_failures = [aws_iam_role_policy.execution]
}

run "a_hundred_and_twenty_values_of_one_secret_fit" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    secrets = { for number in range(120) : "SECRET_${number}" => "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow-AbCdEf:${number}::" }
  }

  assert {
    condition     = length(local.secret_arns) == 1
    error_message = "The policy names the secret once."
  }
}

run "a_size_between_two_of_fargates_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    cpu    = 8192
    memory = 18432
  }

  expect_failures = [aws_ecs_task_definition.worker]
}

run "sizes_and_disks_that_fargate_does_not_have_are_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    cpu                   = 1000
    memory                = 2000
    architecture          = "amd64"
    ephemeral_storage_gib = 201
  }

  expect_failures = [var.cpu, var.memory, var.architecture, var.ephemeral_storage_gib]
}

run "a_duplicate_security_group_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    airflow = { port = 8080, cidrs = [], security_group_ids = { a = "sg-0aaa", b = "sg-0aaa" } }
  }

  expect_failures = [var.airflow]
}

run "a_duplicate_security_group_and_port_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    egress_security_groups = { api = { port = 8080, security_group_id = "sg-0aaa" } }
  }

  expect_failures = [aws_security_group.worker]
}

run "a_range_that_does_not_begin_at_its_first_address_is_rejected" {
  command = plan

  module {
    source = "./modules/worker"
  }

  variables {
    airflow                = { port = 8080, cidrs = ["10.0.0.7/16"], security_group_ids = {} }
    egress_cidrs           = { warehouse = { port = 5439, cidrs = ["10.1.0.7/16"] } }
    egress_security_groups = { https = { port = 0, security_group_id = "warehouse" } }
  }

  expect_failures = [var.airflow, var.egress_cidrs, var.egress_security_groups]
}
