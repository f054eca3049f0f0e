mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  airflow = { execution_api_server_url = "http://airflow.internal:8080/execution/" }
}

run "defaults_give_a_whole_configuration" {
  assert {
    condition     = startswith(output.airflow_cfg, "[core]\nexecutor = airflow_fargate.FargateExecutor\n")
    error_message = "airflow_cfg must begin with the executor."
  }

  assert {
    condition = alltrue([for line in [
      "cluster = airflow", "task_definition = airflow-worker", "container_name = worker", "launch_type = FARGATE",
      "assign_public_ip = DISABLED", "security_groups = sg-0123456789abcdef0", "task_cpu = 1024", "task_memory = 2048",
      "region = us-east-1", "remote_logging = True", "remote_log_conn_id = aws_default",
    ] : contains(split("\n", output.airflow_cfg), line)])
    error_message = "airflow_cfg lacks a line:\n${output.airflow_cfg}"
  }

  assert {
    condition     = !strcontains(output.airflow_cfg, "capacity_chain") && !strcontains(output.airflow_cfg, "tags =")
    error_message = "What was not chosen must stay at the executor's default."
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
    error_message = "No dashboard without being asked for."
  }
}

run "what_is_chosen_reaches_airflow_and_the_container" {
  variables {
    airflow       = { execution_api_server_url = "http://airflow.internal:8081/execution/" }
    worker        = { environment = { AIRFLOW__CORE__PLUGINS_FOLDER = "/opt/airflow/plugins" } }
    observability = { sns_topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall", prices = { vcpu_hour = 0.05 } }
    capacity      = ["FARGATE_SPOT", "FARGATE"]
    tags          = { share = "50%" }
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
    condition     = jsonencode(module.worker.egress) == jsonencode({ "https 0.0.0.0/0" = 443, "airflow 10.0.0.0/16" = 8081 })
    error_message = "Out may go HTTPS, and the port of the URL into the VPC: ${jsonencode(module.worker.egress)}"
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
    condition     = contains(split("\n", output.airflow_cfg), "tags = {\"share\":\"50%%\"}")
    error_message = "A percent sign must be doubled in airflow.cfg."
  }

  assert {
    condition     = contains(split("\n", output.airflow_env), "AIRFLOW__FARGATE__TAGS={\"share\":\"50%\"}")
    error_message = "A percent sign must stay single in the environment."
  }

  assert {
    condition     = yamldecode(output.helm_values).executor == "airflow_fargate.FargateExecutor" && yamldecode(output.helm_values).config.fargate.cluster == "airflow"
    error_message = "The chart must get the same settings."
  }

  assert {
    condition = alltrue([for section in ["fargate", "logging"] : alltrue([
      for key, value in yamldecode(output.helm_values).config[section] : contains(split("\n", output.airflow_cfg), "${key} = ${value}")
    ])])
    error_message = "Each value must be as it stands in airflow.cfg: the chart writes that file."
  }
}

run "existing_vpc_and_image_are_taken_as_they_are" {
  override_data {
    target = module.existing_network["network"].data.aws_subnet.private["subnet-0a"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  override_data {
    target = module.existing_network["network"].data.aws_subnet.private["subnet-0b"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  variables {
    network = { existing = { vpc_id = "vpc-0aaa", subnet_ids = ["subnet-0a", "subnet-0b"] } }
    airflow = { execution_api_server_url = "https://airflow.example.org/execution/" }
    worker  = { image = "example.org/airflow@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
  }

  assert {
    condition     = length(module.network) == 0 && output.subnet_ids == tolist(["subnet-0a", "subnet-0b"])
    error_message = "A VPC that exists is used, none is made."
  }

  assert {
    condition     = module.worker.egress["airflow 172.31.0.0/16"] == 443
    error_message = "The VPC's own range is the default for Airflow: ${jsonencode(module.worker.egress)}"
  }

  assert {
    condition     = output.image == "example.org/airflow@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    error_message = "An image from elsewhere must be taken as it is."
  }
}

run "without_a_word_of_airflow_there_is_no_way_to_it" {
  command = plan

  variables {
    airflow = {}
  }

  expect_failures = [check.tasks_can_reach_airflow]

  assert {
    condition     = jsonencode(module.worker.egress) == jsonencode({ "https 0.0.0.0/0" = 443 })
    error_message = "No port is opened for an Airflow that nobody named: ${jsonencode(module.worker.egress)}"
  }
}

run "airflow_2_is_reached_at_its_database" {
  command = plan

  variables {
    airflow = { port = 5432, security_group_ids = ["sg-0bbb"] }
    worker = {
      secrets = { AIRFLOW__DATABASE__SQL_ALCHEMY_CONN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow-db-AbCdEf" }
    }
  }

  assert {
    condition     = jsonencode(module.worker.egress) == jsonencode({ "https 0.0.0.0/0" = 443, "airflow group 0" = 5432 })
    error_message = "Out may go HTTPS, and to the database's group at its port: ${jsonencode(module.worker.egress)}"
  }
}

run "what_has_the_wrong_shape_is_refused" {
  command = plan

  variables {
    airflow              = { port = 5432, security_group_ids = ["10.0.0.0/16"] }
    scheduler_role_names = ["arn:aws:iam::123456789012:role/airflow"]
    triggerer_role_names = ["service/airflow"]
    permissions_boundary = "boundary"
  }

  expect_failures = [var.airflow, var.scheduler_role_names, var.triggerer_role_names, var.permissions_boundary]
}

run "wrong_inputs_are_refused" {
  command = plan

  variables {
    name      = "My_Airflow"
    airflow   = { execution_api_server_url = "http://airflow.internal:8080/" }
    retention = { log_days = 10 }
    tags      = { for number in range(41) : "tag${number}" => "x" }
  }

  expect_failures = [var.name, var.airflow, var.retention, var.tags]
}

run "too_long_a_name_is_refused" {
  command = plan

  variables {
    name = "an-airflow-with-a-long-name"
  }

  expect_failures = [var.name]
}

run "a_digest_is_what_runs_and_the_tag_what_is_pushed" {
  command = plan

  variables {
    worker       = { image = "registry.internal:5000/airflow/worker:2026-11-22" }
    image_digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = output.image == "registry.internal:5000/airflow/worker:2026-11-22"
    error_message = "The name to push under is the tag: ${output.image}"
  }

  assert {
    condition     = module.worker.image == "registry.internal:5000/airflow/worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    error_message = "What runs is the digest: ${module.worker.image}"
  }
}

run "what_is_no_digest_is_refused" {
  command = plan

  variables {
    image_digest = "v1"
  }

  expect_failures = [var.image_digest]
}
