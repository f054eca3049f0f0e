mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "airflow"
}

run "the_key_rotates_and_is_for_this_deployment_only" {
  module {
    source = "./modules/encryption"
  }

  assert {
    condition     = aws_kms_key.deployment.enable_key_rotation && aws_kms_key.deployment.deletion_window_in_days == 30
    error_message = "The key must rotate, and be recoverable for 30 days."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.deployment.policy).Statement : can(statement.Condition.ArnLike) if can(statement.Principal.Service)])
    error_message = "A service may use the key for this deployment's resources only."
  }
}

run "in_china_the_principal_of_logs_ends_in_cn" {
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "cn-north-1" }
  }

  module {
    source = "./modules/encryption"
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_kms_key.deployment.policy).Statement : lookup(statement.Principal, "Service", "")], "logs.cn-north-1.amazonaws.com.cn")
    error_message = "CloudWatch Logs' principal in China has China's domain: ${aws_kms_key.deployment.policy}"
  }
}

run "a_deletion_window_that_is_too_short_is_rejected" {
  command = plan

  module {
    source = "./modules/encryption"
  }

  variables {
    deletion_window_days = 1
  }

  expect_failures = [var.deletion_window_days]
}
