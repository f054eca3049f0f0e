variable "name" {
  type        = string
  description = "Name of the deployment. Buckets are NAME-payloads-ACCOUNT-REGION and NAME-logs-ACCOUNT-REGION."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts both buckets."
}

variable "payload_retention_days" {
  type        = number
  default     = 1
  description = "Days after which a payload that no container fetched is deleted. Its token is dead much sooner."

  validation {
    condition     = var.payload_retention_days >= 1 && floor(var.payload_retention_days) == var.payload_retention_days
    error_message = "payload_retention_days must be a whole number of at least 1, the least that S3 allows."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days after which Airflow's task logs are deleted from the log bucket."

  validation {
    condition     = var.log_retention_days >= 1 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days must be a whole number of at least 1."
  }
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether destroy empties the buckets first."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
