output "payloads" {
  value = {
    bucket      = module.bucket["payloads"].name
    bucket_arn  = module.bucket["payloads"].arn
    prefix      = local.buckets.payloads.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where payloads are until a container fetches them, and the key that encrypts them."
}

output "logs" {
  value = {
    bucket      = module.bucket["logs"].name
    bucket_arn  = module.bucket["logs"].arn
    prefix      = local.buckets.logs.prefix
    kms_key_arn = var.kms_key_arn
  }
  description = "Where Airflow keeps task logs, and the key that encrypts them."
}
