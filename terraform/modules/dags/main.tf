# Where DAGs come from, as Airflow's DAG bundle: a bucket (and the policy to read it), the image itself, or git.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  bucket_name = "${var.name}-dags-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.id}"

  buckets = { for key in ["dags"] : key => local.bucket_name if var.source_kind == "s3" }

  # Without a connection Airflow uses the container's own role. Without a prefix an empty bucket is a valid bundle.
  bundles = {
    s3 = {
      classpath = "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
      kwargs    = { bucket_name = local.bucket_name, aws_conn_id = null }
    }
    image = {
      classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
      kwargs    = {}
    }
    git = {
      classpath = "airflow.providers.git.bundles.git.GitDagBundle"
      kwargs    = var.git
    }
  }

  bundle_config = jsonencode([merge({ name = "dags" }, local.bundles[var.source_kind])])
}

resource "aws_s3_bucket" "dags" {
  #checkov:skip=CKV_AWS_18:Access logs need a bucket of their own; CloudTrail's data events say more and are the account's choice.
  #checkov:skip=CKV_AWS_144:DAGs are a copy of what a repository holds.
  #checkov:skip=CKV2_AWS_62:Airflow polls the bucket.
  for_each = local.buckets

  bucket        = each.value
  force_destroy = var.force_destroy

  tags = var.tags
}

resource "aws_s3_bucket_ownership_controls" "dags" {
  for_each = local.buckets

  bucket = aws_s3_bucket.dags[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "dags" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.dags[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "dags" {
  for_each = local.buckets

  bucket = aws_s3_bucket.dags[each.key].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

# An older version of a DAG that was overwritten or deleted by mistake can be restored for a month.
resource "aws_s3_bucket_versioning" "dags" {
  for_each = local.buckets

  bucket = aws_s3_bucket.dags[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "dags" {
  for_each = local.buckets

  bucket = aws_s3_bucket.dags[each.key].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Old versions only exist once versioning is on.
  depends_on = [aws_s3_bucket_versioning.dags]
}

resource "aws_s3_bucket_policy" "dags" {
  for_each = local.buckets

  bucket = aws_s3_bucket.dags[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TransportEncryptedOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.dags[each.key].arn, "${aws_s3_bucket.dags[each.key].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 rejects two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.dags]
}

# The DAG processor and each task copy the bucket's files before they read them.
resource "aws_iam_policy" "reader" {
  for_each = local.buckets

  name        = "${var.name}-dags-reader"
  description = "Reads the DAGs of ${var.name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListDags"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.dags[each.key].arn
      },
      {
        Sid      = "ReadDags"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.dags[each.key].arn}/*"
      },
      {
        Sid       = "KeyOfDags"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.id}.${data.aws_partition.current.dns_suffix}" } }
      },
    ]
  })

  tags = var.tags
}
