output "arns" {
  value       = { for secret, made in aws_secretsmanager_secret.airflow : secret => made.arn }
  description = "ARN of each secret: jwt, api, fernet, admin."

  # A container that starts before the value is written fails.
  depends_on = [aws_secretsmanager_secret_version.airflow]
}

output "fernet_was_rotated" {
  value       = local.generations.fernet > 1
  description = "Whether the Fernet secret has a previous value (AWSPREVIOUS), with which older connections are still encrypted."
}
