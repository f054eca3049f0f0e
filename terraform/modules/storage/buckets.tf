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

# No versions: a payload holds a token and must be gone once deleted, and a log is written once.
module "bucket" {
  source   = "../bucket"
  for_each = local.buckets

  name                 = "${var.name}-${each.key}-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.id}"
  kms_key_arn          = var.kms_key_arn
  expiration_days      = each.value.expiry
  abort_multipart_days = each.value.abandoned
  force_destroy        = var.force_destroy
  tags                 = var.tags
}
