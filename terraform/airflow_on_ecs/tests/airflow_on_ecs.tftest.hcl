mock_provider "aws" {
  source = "../tests/mocks"
}

override_module {
  target = module.secrets
  outputs = {
    arns               = { for secret in ["jwt", "api", "fernet", "admin"] : secret => "arn:aws:secretsmanager:us-east-1:123456789012:secret:airflow/${secret}-AbCdEf" }
    fernet_was_rotated = false
  }
}

override_resource {
  target = module.control_registry.aws_ecr_repository.worker
  values = {
    arn            = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/control"
    repository_url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control"
  }
}

variables {
  region = "us-east-1"
}

run "the_first_apply_makes_everything_but_the_services" {
  assert {
    condition     = alltrue([for name in values(output.service_names) : name == null]) && length(output.component_role_arns) == 4
    error_message = "Services need the images: ${jsonencode(output.service_names)}"
  }

  assert {
    condition     = output.url == "http://localhost:8080" && output.dags_bucket == "airflow-dags-123456789012-us-east-1" && output.final_snapshot != null
    error_message = "Outputs are missing."
  }

  assert {
    condition     = output.airflow_environment.AIRFLOW__FARGATE__CLUSTER == "airflow" && output.component_environment.scheduler.AIRFLOW__CORE__EXECUTION_API_SERVER_URL == "http://api.airflow.airflow.internal:8080/execution/"
    error_message = "The scheduler has the executor's settings: ${jsonencode(output.component_environment.scheduler)}"
  }
}

run "the_second_apply_makes_the_services_with_the_images_that_were_pushed" {
  variables {
    images = {
      airflow = "3.3.2"
      worker  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      control = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control:v1@sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
    }
  }

  assert {
    condition     = output.service_names == { api = "api", scheduler = "scheduler", dag-processor = "dag-processor", triggerer = "triggerer" }
    error_message = "Services: ${jsonencode(output.service_names)}"
  }

  assert {
    condition     = local.control_image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control@sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
    error_message = "Exactly the pushed image runs: ${local.control_image}"
  }

  assert {
    condition     = strcontains(output.open_command, "--cluster airflow --service-name api") && strcontains(output.open_command, "AWS-StartPortForwardingSession")
    error_message = "The tunnel leads to the API server: ${output.open_command}"
  }
}

run "without_a_way_out_the_components_have_their_endpoints_and_ha_has_everything_twice" {
  command = plan

  variables {
    nat  = "none"
    size = "ha"
  }

  assert {
    condition     = local.component_endpoints == ["ecs", "sqs", "secretsmanager", "ssmmessages", "ec2"] && local.size.multi_az
    error_message = "The scheduler, the secrets and the tunnel need endpoints: ${jsonencode(local.component_endpoints)}"
  }
}

run "images_of_another_deployment_are_reported" {
  command = plan

  variables {
    images = {
      airflow = "3.3.2"
      worker  = "example.org/worker:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      control = "example.org/control:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    }
  }

  expect_failures = [check.images_are_of_this_deployment]
}

run "a_release_without_create_metadata_engine_is_rejected" {
  command = plan

  variables {
    images = {
      airflow = "3.2.1"
      worker  = "example.org/worker:v1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      control = "example.org/control@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    }
  }

  expect_failures = [var.images]
}

run "wrong_inputs_are_rejected" {
  command = plan

  variables {
    size             = "medium"
    dags_source      = "efs"
    task_policy_arns = { dags = "arn:aws:iam::123456789012:policy/mine" }
  }

  expect_failures = [var.size, var.dags_source, var.task_policy_arns]
}
