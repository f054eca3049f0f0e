# Terraform's mocks know no ephemeral resources. So the provider is real, and tests/terraform/test_static.py has it speak to
# an emulator (AWS_ENDPOINT_URL).
provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 3
}

run "the_first_apply_makes_everything_but_the_services" {
  command = plan

  assert {
    condition     = alltrue([for name in values(output.service_names) : name == null])
    error_message = "Services need the images: ${jsonencode(output.service_names)}"
  }

  assert {
    condition     = output.url == "http://localhost:8080" && strcontains(output.open_command, "AWS-StartPortForwardingSession")
    error_message = "The page's address and the way to it are outputs."
  }
}

run "the_second_apply_makes_the_services_with_the_images_that_were_pushed" {
  command = plan

  # As if the first apply had been made.
  override_resource {
    target          = module.control_registry.aws_ecr_repository.worker
    override_during = plan
    values          = { arn = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/control", repository_url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/control" }
  }

  override_resource {
    target          = module.airflow.module.registry.aws_ecr_repository.worker
    override_during = plan
    values          = { arn = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/worker", repository_url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker" }
  }

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

}

run "without_a_way_out_the_components_have_their_endpoints_and_ha_has_everything_twice" {
  command = plan

  variables {
    nat  = "none"
    size = "ha"
  }

  assert {
    condition     = toset(local.component_endpoints) == toset(["ecs", "sqs", "secretsmanager", "ssmmessages", "ec2"]) && local.size.multi_az
    error_message = "The scheduler, the secrets and the tunnel need endpoints: ${jsonencode(local.component_endpoints)}"
  }
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
