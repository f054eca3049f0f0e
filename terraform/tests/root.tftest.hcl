mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  execution_api_server_url = "http://airflow.internal:8080/execution/"
}

run "the_defaults_give_a_complete_configuration" {
  assert {
    condition     = startswith(output.airflow_cfg, "[core]\nexecutor = airflow_fargate.FargateExecutor\n")
    error_message = "airflow_cfg must begin with the executor."
  }

  assert {
    condition = alltrue([for line in [
      "cluster = airflow", "task_definition = airflow-worker", "container_name = worker", "launch_type = FARGATE",
      "assign_public_ip = DISABLED", "security_groups = sg-0123456789abcdef0", "task_cpu = 1024", "task_memory = 2048",
      "region = us-east-1", "remote_logging = True", "task_instance_heartbeat_timeout = 600", "jwt_expiration_time = 1800",
    ] : contains(split("\n", output.airflow_cfg), line)])
    error_message = "airflow_cfg lacks a line:\n${output.airflow_cfg}"
  }

  assert {
    condition     = !anytrue([for text in [output.airflow_cfg, output.airflow_env, output.helm_values] : strcontains(lower(text), "conn_id")])
    error_message = "The users' connections must not be used."
  }

  assert {
    condition     = !strcontains(output.airflow_cfg, "capacity_chain") && !strcontains(output.airflow_cfg, "tags =")
    error_message = "Options without an input must stay at the executor's default."
  }

  assert {
    condition     = strcontains(output.airflow_env, "AIRFLOW__FARGATE__CLUSTER=airflow\n")
    error_message = "airflow_env must hold the same as airflow_cfg."
  }

  assert {
    condition     = output.image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1"
    error_message = "The image must be the deployment's own: ${output.image}"
  }

  assert {
    condition = alltrue([
      for line in regexall("(?s)\\[fargate\\]\n(.*?)\n\\[logging\\]", output.airflow_cfg)[0] :
      alltrue([for pair in compact(split("\n", line)) : contains(keys(jsondecode(file("config_keys.json")).options), split(" = ", pair)[0])])
    ])
    error_message = "airflow_cfg holds a key that the executor does not know."
  }

  assert {
    condition     = output.dashboard_url == null
    error_message = "There must be no dashboard by default."
  }
}

run "inputs_reach_airflow_and_the_container" {
  variables {
    execution_api_server_url = "http://airflow.internal:8081/execution/"
    worker_environment       = { AIRFLOW__CORE__PLUGINS_FOLDER = "/opt/airflow/plugins" }
    observability            = true
    alarm_sns_topic_arn      = "arn:aws:sns:us-east-1:123456789012:oncall"
    price_vcpu_hour          = 0.05
    capacity                 = ["FARGATE_SPOT", "FARGATE"]
    tags                     = { team = "data/science" }
  }

  assert {
    condition     = module.worker.environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow.internal:8081/execution/"
    error_message = "The container needs the API server's address."
  }

  assert {
    condition     = module.worker.environment["AIRFLOW__CORE__PLUGINS_FOLDER"] == "/opt/airflow/plugins"
    error_message = "The caller's environment must reach the container."
  }

  assert {
    condition     = jsonencode(module.worker.egress) == jsonencode({ "airflow 10.0.0.0/16" = 8081, "https 0.0.0.0/0" = 443 })
    error_message = "Egress must be HTTPS, and the URL's port inside the VPC: ${jsonencode(module.worker.egress)}"
  }

  assert {
    condition     = endswith(output.dashboard_url, "#dashboards/dashboard/airflow")
    error_message = "The dashboard's page is an output."
  }

  assert {
    condition     = contains(split("\n", output.airflow_cfg), "capacity_chain = FARGATE_SPOT,FARGATE")
    error_message = "The chain must reach the executor."
  }

  assert {
    condition     = contains(split("\n", output.airflow_cfg), "tags = {\"team\":\"data/science\"}")
    error_message = "Tags must reach the executor."
  }

  assert {
    condition     = yamldecode(output.helm_values).executor == "airflow_fargate.FargateExecutor" && yamldecode(output.helm_values).config.fargate.cluster == "airflow"
    error_message = "The chart must get the same settings."
  }

  assert {
    condition = alltrue([for section in ["fargate", "logging"] : alltrue([
      for key, value in yamldecode(output.helm_values).config[section] : contains(split("\n", output.airflow_cfg), "${key} = ${value}")
    ])])
    error_message = "Each value must be as in airflow.cfg, because the chart writes that file."
  }
}

run "an_existing_vpc_and_image_are_used_unchanged" {
  override_data {
    target = module.existing_network["network"].data.aws_subnet.tasks["0"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  override_data {
    target = module.existing_network["network"].data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  variables {
    existing_network         = { vpc_id = "vpc-0aaa", subnet_ids = ["subnet-0a", "subnet-0b"] }
    execution_api_server_url = "https://airflow.example.org/execution/"
    worker_image             = "example.org/airflow@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }

  assert {
    condition     = length(module.network) == 0 && output.subnet_ids == tolist(["subnet-0a", "subnet-0b"])
    error_message = "The existing VPC must be used, and none made."
  }

  assert {
    condition     = module.worker.egress["airflow 172.31.0.0/16"] == 443
    error_message = "The VPC's own range is the default for Airflow: ${jsonencode(module.worker.egress)}"
  }

  assert {
    condition     = output.image == "example.org/airflow@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    error_message = "The given image must be used unchanged."
  }
}

run "a_secondary_range_of_the_vpc_is_the_default_for_airflow_too" {
  override_data {
    target = module.existing_network["network"].data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b", availability_zone_id = "use1-az2" }
  }

  override_data {
    target = module.existing_network["network"].data.aws_vpc.network
    values = {
      cidr_block = "172.31.0.0/16"
      cidr_block_associations = [
        { association_id = "a", cidr_block = "172.31.0.0/16", state = "associated" },
        { association_id = "b", cidr_block = "100.64.0.0/16", state = "associated" },
      ]
    }
  }

  variables {
    existing_network = { vpc_id = "vpc-0aaa", subnet_ids = ["subnet-0a", "subnet-0b"] }
  }

  assert {
    condition     = module.worker.egress["airflow 100.64.0.0/16"] == 8080 && module.worker.egress["airflow 172.31.0.0/16"] == 8080
    error_message = "An API server in a secondary range must be reachable: ${jsonencode(module.worker.egress)}"
  }
}

run "existing_public_subnets_work_with_public_addresses" {
  override_data {
    target = module.existing_network["network"].data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b", availability_zone_id = "use1-az2" }
  }

  variables {
    existing_network = { vpc_id = "vpc-0aaa", subnet_ids = ["subnet-0a", "subnet-0b"] }
    assign_public_ip = true
  }

  assert {
    condition     = contains(split("\n", output.airflow_cfg), "assign_public_ip = ENABLED")
    error_message = "The executor must ask for public addresses."
  }
}

run "nat_public_lets_the_executor_ask_for_public_addresses" {
  variables {
    nat = "public"
  }

  assert {
    condition     = contains(split("\n", output.airflow_cfg), "assign_public_ip = ENABLED")
    error_message = "Tasks in public subnets need public addresses."
  }
}

run "no_nat_with_secrets_has_their_endpoints" {
  variables {
    nat                         = "none"
    interface_endpoints         = ["sts"]
    worker_secrets              = { DB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf" }
    worker_parameters           = { KEY = "arn:aws:ssm:us-east-1:123456789012:parameter/key" }
    worker_secrets_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/0"]
  }

  assert {
    condition     = local.needed_endpoints == ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "kms"]
    error_message = "Endpoints that ECS needs to start a container: ${jsonencode(local.needed_endpoints)}"
  }
}

run "without_nat_an_image_outside_ecr_is_rejected" {
  command = plan

  variables {
    nat          = "none"
    worker_image = "docker.io/apache/airflow:3.3.2"
  }

  expect_failures = [output.image]
}

run "without_nat_ecr_of_another_account_in_this_region_works" {
  command = plan

  variables {
    nat          = "none"
    worker_image = "210987654321.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1"
  }

  assert {
    condition     = module.worker.repository_arn == "arn:aws:ecr:us-east-1:210987654321:repository/airflow/worker"
    error_message = "ECR's endpoints reach repositories of every account."
  }
}

run "container_insights_are_off_unless_the_dashboard_shows_them" {
  assert {
    condition     = local.container_insights == "disabled"
    error_message = "Container Insights must be off by default, because it is billed."
  }
}

run "container_insights_come_with_the_dashboard" {
  command = plan

  variables {
    observability = true
  }

  assert {
    condition     = local.container_insights == "enabled"
    error_message = "The dashboard shows them."
  }
}

run "container_insights_and_flow_log_have_their_own_switches" {
  command = plan

  variables {
    observability      = true
    container_insights = "disabled"
    flow_log           = false
  }

  assert {
    condition     = local.container_insights == "disabled"
    error_message = "The explicit input must win."
  }
}

run "without_an_address_of_airflow_no_port_is_opened" {
  command = plan

  variables {
    execution_api_server_url = null
  }

  expect_failures = [check.tasks_can_reach_airflow]

  assert {
    condition     = jsonencode(module.worker.egress) == jsonencode({ "https 0.0.0.0/0" = 443 })
    error_message = "No port may be opened without an address of Airflow: ${jsonencode(module.worker.egress)}"
  }
}

run "airflow_2_is_reached_at_its_database" {
  command = plan

  variables {
    execution_api_server_url   = null
    airflow_port               = 5432
    airflow_security_group_ids = { database = "sg-0bbb" }
    worker_secrets             = { AIRFLOW__DATABASE__SQL_ALCHEMY_CONN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow-db-AbCdEf" }
  }

  assert {
    condition     = jsonencode(module.worker.egress) == jsonencode({ "https 0.0.0.0/0" = 443, "airflow group database" = 5432 })
    error_message = "Egress must be HTTPS, and the database's group on its port: ${jsonencode(module.worker.egress)}"
  }

  assert {
    condition     = !anytrue([for name in keys(module.worker.environment) : startswith(name, "AIRFLOW__WORKERS__")])
    error_message = "Tasks of Airflow 2 call no API server: ${jsonencode(module.worker.environment)}"
  }
}

run "ids_names_and_arns_of_the_wrong_kind_are_rejected" {
  command = plan

  variables {
    airflow_security_group_ids = { office = "10.0.0.0/16" }
    scheduler_role_names       = ["arn:aws:iam::123456789012:role/airflow"]
    triggerer_role_names       = ["service/airflow"]
    permissions_boundary       = "boundary"
  }

  expect_failures = [var.airflow_security_group_ids, var.scheduler_role_names, var.triggerer_role_names, var.permissions_boundary]
}

run "wrong_inputs_are_rejected" {
  command = plan

  variables {
    name                     = "My_Airflow"
    execution_api_server_url = "http://airflow.internal:8080/"
    log_retention_days       = 10
    worker_image_tag         = "v1@latest"
    tags                     = { for number in range(41) : "tag${number}" => "x" }
  }

  expect_failures = [var.name, var.execution_api_server_url, var.log_retention_days, var.worker_image_tag, var.tags]
}

run "a_tag_with_a_character_that_aws_rejects_is_rejected" {
  command = plan

  variables {
    tags = { share = "50%" }
  }

  expect_failures = [var.tags]
}

run "a_tag_with_a_tab_is_rejected" {
  command = plan

  variables {
    tags = { "cost\tcentre" = "x" }
  }

  expect_failures = [var.tags]
}

run "a_tag_without_a_key_is_rejected" {
  command = plan

  variables {
    tags = { "" = "x" }
  }

  expect_failures = [var.tags]
}

run "a_tag_that_is_too_long_is_rejected" {
  command = plan

  variables {
    tags = { team = join("", [for number in range(257) : "x"]) }
  }

  expect_failures = [var.tags]
}

run "a_tag_that_aws_reserves_is_rejected" {
  command = plan

  variables {
    tags = { "AWS:team" = "data" }
  }

  expect_failures = [var.tags]
}

run "tags_that_differ_only_in_case_are_rejected" {
  command = plan

  variables {
    tags = { team = "data", Team = "science" }
  }

  expect_failures = [var.tags]
}

run "the_deployment_s_own_tag_is_rejected" {
  command = plan

  variables {
    tags = { "airflow-fargate" = "mine" }
  }

  expect_failures = [var.tags]
}

run "tags_that_aws_accepts_are_accepted" {
  command = plan

  variables {
    tags = { "Kostenstelle über 東京" = "x", "a b_c.d:e/f=g+h-i@j" = "" }
  }

  assert {
    condition     = length(local.tags) == 3
    error_message = "Letters of every script, digits, spaces and _ . : / = + - @ must be accepted."
  }
}

run "a_name_that_is_too_long_is_rejected" {
  command = plan

  variables {
    name = "an-airflow-with-a-long-name"
  }

  expect_failures = [var.name]
}

run "the_pushed_digest_runs_and_the_output_is_the_tag_to_push" {
  command = plan

  variables {
    worker_image = "registry.internal:5000/airflow/worker:2026-11-22"
    pushed_image = "registry.internal:5000/airflow/worker:2026-11-22@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = output.image == "registry.internal:5000/airflow/worker:2026-11-22"
    error_message = "The output must be the tag to push: ${output.image}"
  }

  assert {
    condition     = module.worker.image == "registry.internal:5000/airflow/worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    error_message = "The digest must run: ${module.worker.image}"
  }
}

run "a_digest_of_another_repository_is_ignored_with_a_warning" {
  command = plan

  variables {
    worker_image = "example.org/airflow:3.3.2"
    pushed_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  expect_failures = [check.pushed_image_is_of_this_repository]

  assert {
    condition     = module.worker.image == "example.org/airflow:3.3.2"
    error_message = "The digest belongs to the image that was pushed: ${module.worker.image}"
  }
}

run "an_image_that_has_a_digest_keeps_it" {
  command = plan

  variables {
    worker_image = "example.org/airflow:3.3.2@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    pushed_image = "example.org/airflow:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  expect_failures = [check.pushed_image_is_of_this_repository]

  assert {
    condition     = module.worker.image == "example.org/airflow:3.3.2@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    error_message = "An image with a digest must run unchanged: ${module.worker.image}"
  }
}

run "the_old_digest_runs_until_a_new_tag_is_pushed" {
  variables {
    worker_image_tag = "v2"
    pushed_image     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  expect_failures = [check.pushed_image_has_the_tag]

  assert {
    condition     = module.worker.image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" && endswith(output.image, ":v2")
    error_message = "Tasks must run the image that was pushed last, and the output must be the new tag: ${module.worker.image}"
  }
}

run "a_pushed_image_without_repository_is_rejected" {
  command = plan

  variables {
    pushed_image = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  expect_failures = [var.pushed_image]
}
