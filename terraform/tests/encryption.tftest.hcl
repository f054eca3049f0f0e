mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "airflow"
}

run "key_rotates_and_serves_this_deployment_only" {
  module {
    source = "./modules/encryption"
  }

  assert {
    condition     = aws_kms_key.deployment.enable_key_rotation && aws_kms_key.deployment.deletion_window_in_days == 30
    error_message = "The key rotates, and a deleted key can be saved for 30 days."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.deployment.policy).Statement : can(statement.Condition.ArnLike) if can(statement.Principal.Service)])
    error_message = "A service may use the key for this deployment's resources only."
  }
}

run "too_short_a_window_is_refused" {
  command = plan

  module {
    source = "./modules/encryption"
  }

  variables {
    deletion_window_days = 1
  }

  expect_failures = [var.deletion_window_days]
}
