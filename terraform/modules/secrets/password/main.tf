# A random text that Terraform never stores: neither state nor plan holds it.

ephemeral "aws_secretsmanager_random_password" "random" {
  password_length            = var.length
  exclude_punctuation        = true
  require_each_included_type = true
}
