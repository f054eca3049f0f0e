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
    condition     = !anytrue([for word in ["[logging]", "event_queue_url", "payload", "capacity_chain", "tags"] : strcontains(output.airflow_cfg, word)])
    error_message = "No queue, no bucket: nothing of them in the file:\n${output.airflow_cfg}"
  }

  assert {
    condition     = output.options.subnets == "subnet-0a,subnet-0b" && output.options.task_cpu == "512"
    error_message = "Lists are separated by commas, numbers are text."
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
