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

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "secrets_are_written_once_and_never_stored" {
  module {
    source = "../modules/secrets"
  }

  assert {
    condition     = keys(output.arns) == ["admin", "api", "fernet", "jwt"] && !output.fernet_was_rotated
    error_message = "Secrets: ${jsonencode(output.arns)}"
  }

  assert {
    condition     = alltrue([for version in aws_secretsmanager_secret_version.airflow : version.secret_string_wo_version == 1 && version.secret_string_wo == null])
    error_message = "No value may reach the state."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.airflow : secret.recovery_window_in_days == 0 && secret.name_prefix != null])
    error_message = "A deployment of the same name must be possible at once after a destroy."
  }
}

run "a_higher_generation_writes_one_secret_again" {
  module {
    source = "../modules/secrets"
  }

  variables {
    generations = { fernet = 2 }
  }

  assert {
    condition     = { for secret, version in aws_secretsmanager_secret_version.airflow : secret => version.secret_string_wo_version } == { admin = 1, api = 1, fernet = 2, jwt = 1 } && output.fernet_was_rotated
    error_message = "Only the named secret changes."
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "../modules/secrets"
  }

  variables {
    generations    = { fernett = 0 }
    admin_username = "the admin"
    recovery_days  = 3
  }

  expect_failures = [var.generations, var.admin_username, var.recovery_days]
}
