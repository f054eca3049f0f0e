mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "airflow"
  image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/control"

  airflow_environment        = { AIRFLOW__FARGATE__CLUSTER = "airflow", AIRFLOW__FARGATE__TASK_DEFINITION = "airflow-worker" }
  worker_task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/airflow-worker:7"
  execution_url              = "http://api.airflow.airflow.internal:8080/execution/"
  bundle_config              = "[]"

  database = { address = "db.example.org", name = "airflow", secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf", security_group_id = "sg-0dddd" }
  secrets = {
    arns               = { for secret in ["jwt", "api", "fernet", "admin"] : secret => "arn:aws:secretsmanager:us-east-1:123456789012:secret:${secret}-AbCdEf" }
    fernet_was_rotated = false
  }

  scheduler_policy_arn = "arn:aws:iam::123456789012:policy/scheduler"
  reader_policy_arn    = "arn:aws:iam::123456789012:policy/reader"
  triggerer_policy_arn = "arn:aws:iam::123456789012:policy/triggerer"
  dags_policy_arns     = { dags = "arn:aws:iam::123456789012:policy/dags" }
  kms_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"

  cluster_arn              = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
  subnet_ids               = ["subnet-0a", "subnet-0b"]
  https                    = { cidrs = ["0.0.0.0/0"], prefix_lists = {} }
  security_group_ids       = { api = "sg-0a", scheduler = "sg-0b", dag-processor = "sg-0c", triggerer = "sg-0d" }
  worker_security_group_id = "sg-0e"
  registry_arn             = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0"
}

run "a_small_deployment_has_four_services_and_small_pools" {
  module {
    source = "./modules/control_plane"
  }

  assert {
    condition     = output.service_names == { api = "api", scheduler = "scheduler", dag-processor = "dag-processor", triggerer = "triggerer" }
    error_message = "Services: ${jsonencode(output.service_names)}"
  }

  assert {
    condition     = output.environment.scheduler.AIRFLOW__FARGATE__TASK_DEFINITION == "airflow-worker:7" && output.environment.scheduler.AIRFLOW__FARGATE__CLUSTER == "airflow"
    error_message = "A scheduler launches the worker revision that it was deployed with: ${jsonencode(output.environment.scheduler)}"
  }

  assert {
    condition     = alltrue([for settings in values(output.environment) : settings.AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE == "3" && !can(settings.AIRFLOW__DATABASE__SQL_ALCHEMY_CONN)])
    error_message = "The smallest database allows few connections, and no setting holds its address with a password."
  }

  assert {
    condition     = !can(output.environment.api.AIRFLOW__API__SERVER_TYPE) && can(output.environment.api.AIRFLOW_FARGATE_ADMIN_SECRET_ARN) && !can(output.environment.triggerer.AIRFLOW_FARGATE_ADMIN_SECRET_ARN)
    error_message = "Only the API server's init container needs the administrator's secret."
  }
}

run "ha_renews_the_api_server_s_workers" {
  module {
    source = "./modules/control_plane"
  }

  variables {
    size = "ha"
  }

  assert {
    condition     = output.environment.api.AIRFLOW__API__SERVER_TYPE == "gunicorn" && !can(output.environment.scheduler.AIRFLOW__API__SERVER_TYPE) && !can(output.environment.api.AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE)
    error_message = "Two API servers may renew their workers: ${jsonencode(output.environment.api)}"
  }
}

run "before_the_first_push_there_are_roles_and_no_services" {
  module {
    source = "./modules/control_plane"
  }

  variables {
    image = null
  }

  assert {
    condition     = alltrue([for name in values(output.service_names) : name == null]) && length(output.role_arns) == 4
    error_message = "Services need the image: ${jsonencode(output.service_names)}"
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "./modules/control_plane"
  }

  variables {
    size                       = "medium"
    triggerer_task_policy_arns = { triggerer = "arn:aws:iam::123456789012:policy/mine" }
  }

  expect_failures = [var.size, var.triggerer_task_policy_arns]
}
