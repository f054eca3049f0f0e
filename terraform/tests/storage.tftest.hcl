mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "buckets_are_private_encrypted_and_expire" {
  module {
    source = "./modules/storage"
  }

  assert {
    condition     = toset(keys(aws_s3_bucket.storage)) == toset(["payloads", "logs"]) && aws_s3_bucket.storage["payloads"].bucket == "airflow-payloads-123456789012-us-east-1"
    error_message = "Payloads and logs must have a bucket each, named after the deployment."
  }

  assert {
    condition = alltrue([for block in aws_s3_bucket_public_access_block.storage :
    block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "No bucket can be made public."
  }

  assert {
    condition     = alltrue([for policy in aws_s3_bucket_policy.storage : jsondecode(policy.policy).Statement[0].Effect == "Deny" && jsondecode(policy.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "Requests without TLS must be denied."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.storage["payloads"].rule[0].expiration[0].days == 1
    error_message = "A payload that nobody fetched must expire after a day."
  }

  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.storage : !bucket.force_destroy])
    error_message = "A bucket with objects must be kept by default."
  }

  assert {
    condition = alltrue([for encryption in aws_s3_bucket_server_side_encryption_configuration.storage : alltrue([
      for rule in encryption.rule : rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ])])
    error_message = "Both buckets must use the key, and a bucket key."
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
