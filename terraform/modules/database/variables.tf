variable "name" {
  type        = string
  description = "Name of the deployment. The instance is NAME-airflow."
}

variable "vpc_id" {
  type        = string
  description = "The VPC of the database."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets in two zones or more."
}

variable "client_security_group_ids" {
  type        = map(string)
  description = "Security groups that may connect: a name of yours -> id."
}

variable "instance_class" {
  type        = string
  default     = "db.t4g.micro"
  description = "Class of the instance, for example db.t4g.micro."

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "instance_class must look like db.t4g.micro, got '${var.instance_class}'."
  }
}

variable "multi_az" {
  type        = bool
  default     = false
  description = "Whether a second instance in another zone takes over when the first one fails."
}

variable "storage_gib" {
  type        = number
  default     = 20
  description = "Disk in GiB, 20 to 13107. RDS enlarges it by itself, up to five times as much."

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 13107 && floor(var.storage_gib) == var.storage_gib
    error_message = "storage_gib must be an integer between 20 and 13107, got ${var.storage_gib}."
  }
}

variable "backup_days" {
  type        = number
  default     = 7
  description = "Days for which the database can be restored to any second, 1 to 35."

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days must be an integer between 1 and 35, got ${var.backup_days}."
  }
}

variable "final_snapshot" {
  type        = bool
  default     = true
  description = "Whether a destroy keeps a last snapshot, named NAME-airflow-TIME."
}

variable "deletion_protection" {
  type        = bool
  default     = false
  description = "Whether AWS rejects the deletion of the database. Apply false before a destroy."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the secret with the password."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
