output "payloads" {
  value = {
    bucket      = aws_s3_bucket.storage["payloads"].id
    bucket_arn  = aws_s3_bucket.storage["payloads"].arn
    prefix      = local.buckets.payloads.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where payloads are until a container fetches them, and the key that encrypts them."
}

output "logs" {
  value = {
    bucket      = aws_s3_bucket.storage["logs"].id
    bucket_arn  = aws_s3_bucket.storage["logs"].arn
    prefix      = local.buckets.logs.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where Airflow keeps task logs, and the key that encrypts them."
}
