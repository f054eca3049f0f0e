output "payloads" {
  value = {
    bucket      = aws_s3_bucket.storage["payloads"].id
    bucket_arn  = aws_s3_bucket.storage["payloads"].arn
    prefix      = local.buckets.payloads.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where workloads wait for their container, and the key they are encrypted with."
}

output "logs" {
  value = {
    bucket      = aws_s3_bucket.storage["logs"].id
    bucket_arn  = aws_s3_bucket.storage["logs"].arn
    prefix      = local.buckets.logs.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where Airflow keeps task logs, and the key they are encrypted with."
}
