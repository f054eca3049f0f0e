output "value" {
  value       = ephemeral.aws_secretsmanager_random_password.random.random_password
  description = "The random letters and digits. Every plan and apply makes new ones; only a write-only argument may take them."
  ephemeral   = true
}
