# One private bucket: encrypted with the deployment's key, reached through TLS only.

locals {
  noncurrent_days = var.versioning ? var.noncurrent_days : null
}

resource "aws_s3_bucket" "private" {
  #checkov:skip=CKV_AWS_18:Access logs need a bucket of their own; CloudTrail's data events say more and are the account's choice.
  #checkov:skip=CKV_AWS_21:The caller decides: a token must be gone once deleted, a DAG must be restorable.
  #checkov:skip=CKV_AWS_144:A second copy in another region is the account's choice: payloads live for minutes, and DAGs are a copy themselves.
  #checkov:skip=CKV2_AWS_62:Nothing reacts to objects: Airflow polls for DAGs, and the executor and the container know their keys.
  bucket        = var.name
  force_destroy = var.force_destroy

  tags = var.tags
}

resource "aws_s3_bucket_ownership_controls" "private" {
  bucket = aws_s3_bucket.private.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "private" {
  bucket                  = aws_s3_bucket.private.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "private" {
  bucket = aws_s3_bucket.private.id

  rule {
    # One call to KMS per bucket and hour or so, instead of one per object.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "private" {
  bucket = aws_s3_bucket.private.id

  # S3 makes a bucket with versioning disabled. Once enabled, it can only be suspended, so turning it off fails the plan.
  versioning_configuration {
    status = var.versioning ? "Enabled" : "Disabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "private" {
  bucket = aws_s3_bucket.private.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    dynamic "expiration" {
      for_each = var.expiration_days[*]

      content {
        days = expiration.value
      }
    }

    dynamic "noncurrent_version_expiration" {
      for_each = local.noncurrent_days[*]

      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_days
    }
  }

  # Old versions only exist once versioning is on.
  depends_on = [aws_s3_bucket_versioning.private]
}

resource "aws_s3_bucket_policy" "private" {
  bucket = aws_s3_bucket.private.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TransportEncryptedOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.private.arn, "${aws_s3_bucket.private.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 rejects two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.private]
}
