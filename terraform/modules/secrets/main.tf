# Airflow's own secrets. Secrets Manager draws the values, and write-only arguments pass them on, so that neither the state
# nor a plan holds one. A secret is written when it is made and when its generation changes, and at no other time.

locals {
  contents = {
    jwt = {
      description = "Signs the tokens with which tasks call the API server"
      length      = 64
    }
    api = {
      description = "Signs sessions of Airflow's page and requests to the triggerer's log server"
      length      = 64
    }
    fernet = {
      description = "Encrypts connections and variables in Airflow's database"
      length      = 32
    }
    admin = {
      description = "User and password of Airflow's first administrator"
      length      = 24
    }
  }

  generations = { for secret in keys(local.contents) : secret => lookup(var.generations, secret, 1) }

  random = { for secret, drawn in ephemeral.aws_secretsmanager_random_password.drawn : secret => drawn.random_password }

  # A Fernet key is 32 bytes in URL-safe base64. For letters and digits that is the same as base64encode's output.
  written = {
    jwt    = local.random["jwt"]
    api    = local.random["api"]
    fernet = base64encode(local.random["fernet"])
    admin  = jsonencode({ username = var.admin_username, password = local.random["admin"] })
  }
}

# Every plan and apply draws new ones; only those of a new generation are written.
ephemeral "aws_secretsmanager_random_password" "drawn" {
  for_each = local.contents

  password_length            = each.value.length
  exclude_punctuation        = true
  require_each_included_type = true
}

resource "aws_secretsmanager_secret" "airflow" {
  #checkov:skip=CKV2_AWS_57:Rotation changes generations: a new jwt secret ends running tasks, and a new Fernet key needs rotate-fernet-key.
  for_each = local.contents

  # AWS adds a random suffix. A deployment of the same name can be made at once after a destroy.
  name_prefix = "${var.name}/${each.key}-"
  description = each.value.description
  kms_key_id  = var.kms_key_arn

  recovery_window_in_days = var.recovery_days

  tags = var.tags
}

resource "aws_secretsmanager_secret_version" "airflow" {
  for_each = local.contents

  secret_id                = aws_secretsmanager_secret.airflow[each.key].id
  secret_string_wo         = local.written[each.key]
  secret_string_wo_version = local.generations[each.key]
}
