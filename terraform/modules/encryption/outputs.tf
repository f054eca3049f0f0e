output "key_arn" {
  value       = aws_kms_key.deployment.arn
  description = "The deployment's key."
}
