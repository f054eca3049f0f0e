# Two buckets, not two prefixes of one. Airflow asks S3 whether a log exists before it writes it, and S3 answers
# "no" instead of "forbidden" only to those who may list the bucket. A task that may list the payloads could
# fetch another task's token.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  buckets = {
    payloads = {
      prefix    = "workloads"
      expiry    = var.payload_retention_days
      abandoned = 1
    }
    logs = {
      prefix    = "logs"
      expiry    = var.log_retention_days
      abandoned = 7
    }
  }
}

resource "aws_s3_bucket" "storage" {
  #checkov:skip=CKV_AWS_18:Access logs would need a third bucket; CloudTrail data events say more and are the account's choice.
  #checkov:skip=CKV_AWS_21:A payload holds a token and must be gone once deleted, not kept as an old version; a log is written once.
  #checkov:skip=CKV_AWS_144:Payloads live for minutes in the region of their task; a second copy of logs in another region is the account's choice.
  #checkov:skip=CKV2_AWS_62:Nothing reacts to objects: the executor and the container know the keys.
  for_each = local.buckets

  bucket        = "${var.name}-${each.key}-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.id}"
  force_destroy = var.force_destroy

  tags = var.tags
}

resource "aws_s3_bucket_ownership_controls" "storage" {
  for_each = local.buckets

  bucket = aws_s3_bucket.storage[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "storage" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.storage[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "storage" {
  for_each = local.buckets

  bucket = aws_s3_bucket.storage[each.key].id

  rule {
    # One call to KMS per bucket and hour or so, instead of one per payload.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "storage" {
  for_each = local.buckets

  bucket = aws_s3_bucket.storage[each.key].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = each.value.expiry
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = each.value.abandoned
    }
  }
}

resource "aws_s3_bucket_policy" "storage" {
  for_each = local.buckets

  bucket = aws_s3_bucket.storage[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TransportEncryptedOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.storage[each.key].arn, "${aws_s3_bucket.storage[each.key].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.storage]
}
