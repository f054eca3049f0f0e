mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow-logs-123456789012-us-east-1"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "a_bucket_is_private_encrypted_and_kept" {
  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.private.block_public_acls && aws_s3_bucket_public_access_block.private.block_public_policy && aws_s3_bucket_public_access_block.private.ignore_public_acls && aws_s3_bucket_public_access_block.private.restrict_public_buckets
    error_message = "The bucket cannot be made public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.private.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Every object must belong to the bucket's owner."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.private.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.private.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "Requests without TLS must be denied: ${aws_s3_bucket_policy.private.policy}"
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.private.rule : rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn])
    error_message = "The bucket must use the key, and a bucket key."
  }

  assert {
    condition     = !aws_s3_bucket.private.force_destroy
    error_message = "A bucket with objects must be kept by default."
  }

  assert {
    condition     = aws_s3_bucket_versioning.private.versioning_configuration[0].status == "Disabled" && length(aws_s3_bucket_lifecycle_configuration.private.rule[0].expiration) == 0 && length(aws_s3_bucket_lifecycle_configuration.private.rule[0].noncurrent_version_expiration) == 0
    error_message = "By default there are no versions, and no object is deleted."
  }
}

run "objects_expire" {
  module {
    source = "./modules/bucket"
  }

  variables {
    expiration_days      = 7
    abort_multipart_days = 2
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.private.rule[0].expiration[0].days == 7 && aws_s3_bucket_lifecycle_configuration.private.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 2
    error_message = "Objects must be deleted after 7 days, the parts of an upload after 2: ${jsonencode(aws_s3_bucket_lifecycle_configuration.private.rule)}"
  }

  assert {
    condition     = jsonencode(output.retention) == jsonencode({ expiration_days = 7, noncurrent_days = null })
    error_message = "Without versioning there are no older versions: ${jsonencode(output.retention)}"
  }
}

run "older_versions_expire" {
  module {
    source = "./modules/bucket"
  }

  variables {
    versioning      = true
    noncurrent_days = 14
  }

  assert {
    condition     = aws_s3_bucket_versioning.private.versioning_configuration[0].status == "Enabled" && aws_s3_bucket_lifecycle_configuration.private.rule[0].noncurrent_version_expiration[0].noncurrent_days == 14
    error_message = "Older versions must be deleted after 14 days: ${jsonencode(aws_s3_bucket_lifecycle_configuration.private.rule)}"
  }
}

run "a_bad_name_and_zero_days_are_rejected" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name                 = "My_Bucket"
    expiration_days      = 0
    noncurrent_days      = 0.5
    abort_multipart_days = -1
  }

  expect_failures = [var.name, var.expiration_days, var.noncurrent_days, var.abort_multipart_days]
}
