mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "payloads_and_logs_have_a_bucket_each_and_expire" {
  module {
    source = "./modules/storage"
  }

  assert {
    condition     = { for key, bucket in module.bucket : key => bucket.name } == { payloads = "airflow-payloads-123456789012-us-east-1", logs = "airflow-logs-123456789012-us-east-1" }
    error_message = "Payloads and logs must have a bucket each, named after the deployment."
  }

  assert {
    condition     = output.payloads.bucket == module.bucket["payloads"].name && output.logs.bucket == module.bucket["logs"].name
    error_message = "The outputs must name their own bucket."
  }

  assert {
    condition     = jsonencode(module.bucket["payloads"].retention) == jsonencode({ expiration_days = 1, noncurrent_days = null })
    error_message = "A payload that nobody fetched must expire after a day, and leave no version: ${jsonencode(module.bucket["payloads"].retention)}"
  }

  assert {
    condition     = jsonencode(module.bucket["logs"].retention) == jsonencode({ expiration_days = 365, noncurrent_days = null })
    error_message = "A log must expire after a year: ${jsonencode(module.bucket["logs"].retention)}"
  }
}

run "an_expiry_of_zero_days_is_rejected" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    payload_retention_days = 0
    log_retention_days     = 0.5
  }

  expect_failures = [var.payload_retention_days, var.log_retention_days]
}
