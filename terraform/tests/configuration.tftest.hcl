mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  deployment = "airflow"
  cluster    = { name = "airflow", capacity_chain = [] }
  subnet_ids = ["subnet-0a", "subnet-0b"]

  worker = {
    family            = "airflow-worker"
    container_name    = "worker"
    security_group_id = "sg-0aaa"
    cpu               = 512
    memory            = 1024
    log_group         = "/airflow-fargate/airflow/worker"
    log_stream_prefix = "worker"
    logging           = {}
  }
}

run "what_is_not_there_is_not_configured" {
  module {
    source = "./modules/configuration"
  }

  assert {
    condition     = !anytrue([for word in ["[logging]", "event_queue_url", "payload", "capacity_chain", "tags", "ENABLED"] : strcontains(output.airflow_cfg, word)])
    error_message = "No queue, no bucket: nothing of them in the file:\n${output.airflow_cfg}"
  }

  assert {
    condition     = output.options.subnets == "subnet-0a,subnet-0b" && output.options.task_cpu == "512"
    error_message = "Lists are separated by commas, numbers are text."
  }
}

run "settings_that_outlast_a_redeploy_of_the_api_server_reach_scheduler_and_api_server" {
  module {
    source = "./modules/configuration"
  }

  assert {
    condition     = alltrue([for lines in ["[scheduler]\ntask_instance_heartbeat_timeout = 600\n", "[execution_api]\njwt_expiration_time = 1800\n"] : strcontains(output.airflow_cfg, lines)])
    error_message = "airflow.cfg lacks a setting:\n${output.airflow_cfg}"
  }

  assert {
    condition     = alltrue([for line in ["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT=600", "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME=1800"] : contains(split("\n", output.airflow_env), line)])
    error_message = "The environment lacks a setting:\n${output.airflow_env}"
  }

  assert {
    condition     = yamldecode(output.helm_values).config.scheduler.task_instance_heartbeat_timeout == "600" && yamldecode(output.helm_values).config.execution_api.jwt_expiration_time == "1800"
    error_message = "The chart's values lack a setting:\n${output.helm_values}"
  }
}

run "airflow_2_has_no_such_settings" {
  module {
    source = "./modules/configuration"
  }

  variables {
    tasks_call_api_server = false
  }

  assert {
    condition     = !strcontains(output.airflow_cfg, "[scheduler]") && !strcontains(output.airflow_cfg, "[execution_api]") && !strcontains(output.airflow_env, "SCHEDULER")
    error_message = "Airflow 2 knows none of these options:\n${output.airflow_cfg}"
  }
}

run "public_subnets_need_public_addresses" {
  module {
    source = "./modules/configuration"
  }

  variables {
    assign_public_ip = true
  }

  assert {
    condition     = output.options.assign_public_ip == "ENABLED"
    error_message = "The executor must ask for a public address."
  }
}

run "what_is_there_is_configured" {
  module {
    source = "./modules/configuration"
  }

  variables {
    event_queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/airflow-task-events"
    payloads        = { bucket = "airflow-payloads", prefix = "workloads" }
  }

  assert {
    condition     = output.options.payload_bucket == "airflow-payloads" && output.options.event_queue_url == var.event_queue_url
    error_message = "Bucket and queue must reach the executor."
  }
}

run "standbys_reach_the_executor_without_the_keys_that_are_null" {
  module {
    source = "./modules/configuration"
  }

  variables {
    standby         = { default = { min = 2, max = null, windows = [{ hours = "06:00-08:00", days = null, timezone = null, min = 10 }] }, big = { min = 1, max = 4, windows = [] } }
    standby_preload = ["pandas", "numpy"]
  }

  assert {
    condition     = jsondecode(output.options.standby) == { default = { min = 2, windows = [{ hours = "06:00-08:00", min = 10 }] }, big = { min = 1, max = 4 } } && output.options.standby_preload == "pandas,numpy"
    error_message = "The executor rejects null: ${output.options.standby}"
  }
}
