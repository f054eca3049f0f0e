variable "database_instance_class" {
  type        = string
  default     = null
  description = "Class of the database, for example db.t4g.large. Null: by size, db.t4g.micro or db.t4g.medium."
}

variable "database_storage_gib" {
  type        = number
  default     = 20
  description = "Disk of the database in GiB. RDS enlarges it by itself, up to five times as much."
  nullable    = false
}

variable "database_backup_days" {
  type        = number
  default     = 7
  description = "Days for which the database can be restored to any second, 1 to 35."
  nullable    = false
}

variable "database_final_snapshot" {
  type        = bool
  default     = true
  description = "Whether a destroy keeps a last snapshot of the database."
  nullable    = false
}

variable "database_deletion_protection" {
  type        = bool
  default     = false
  description = "Whether AWS rejects the deletion of the database. make destroy turns it off first."
  nullable    = false
}
