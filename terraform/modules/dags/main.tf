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

# A DAG that was overwritten or deleted by mistake can be restored for a month.
module "bucket" {
  source   = "../bucket"
  for_each = local.buckets

  name            = each.value
  kms_key_arn     = var.kms_key_arn
  versioning      = true
  noncurrent_days = 30
  force_destroy   = var.force_destroy
  tags            = var.tags
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
        Resource = module.bucket[each.key].arn
      },
      {
        Sid      = "ReadDags"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${module.bucket[each.key].arn}/*"
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
