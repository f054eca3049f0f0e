variable "name" {
  type        = string
  description = "Name of the deployment. Secrets are NAME/jwt, NAME/api, NAME/fernet and NAME/admin, each with a random suffix."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the secrets."
}

variable "generations" {
  type        = map(number)
  default     = {}
  description = "Generation of each secret: jwt, api, fernet or admin -> a number. A higher number writes a new value; a secret that is not named is at generation 1."

  validation {
    condition     = length(setsubtract(keys(var.generations), ["jwt", "api", "fernet", "admin"])) == 0
    error_message = "generations may name jwt, api, fernet and admin, got ${join(", ", setsubtract(keys(var.generations), ["jwt", "api", "fernet", "admin"]))}."
  }

  validation {
    condition     = alltrue([for number in values(var.generations) : number >= 1 && floor(number) == number])
    error_message = "Each of generations must be a positive integer, got ${jsonencode(var.generations)}."
  }
}

variable "admin_username" {
  type        = string
  default     = "admin"
  description = "User name of Airflow's first administrator."

  validation {
    condition     = can(regex("^[A-Za-z0-9_.@-]{1,64}$", var.admin_username))
    error_message = "admin_username must be 1 to 64 letters, digits, dots, hyphens, underscores or @, got '${var.admin_username}'."
  }
}

variable "recovery_days" {
  type        = number
  default     = 0
  description = "Days for which a destroyed secret can be restored: 0 (deleted at once) or 7 to 30. AWS bills nothing for a secret that waits for its deletion."

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30 && floor(var.recovery_days) == var.recovery_days)
    error_message = "recovery_days must be 0 or an integer between 7 and 30, got ${var.recovery_days}."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
