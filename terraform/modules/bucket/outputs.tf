output "name" {
  value       = aws_s3_bucket.private.bucket
  description = "Name of the bucket."
}

output "arn" {
  value       = aws_s3_bucket.private.arn
  description = "ARN of the bucket."
}

output "retention" {
  value = {
    expiration_days = var.expiration_days
    noncurrent_days = local.noncurrent_days
  }
  description = "Days after which an object is deleted (null: never), and an older version of one (null: there are none)."
}
