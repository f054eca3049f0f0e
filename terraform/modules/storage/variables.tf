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
  description = "Days after which a payload that no container fetched is deleted. Its token expires much sooner."

  validation {
    condition     = var.payload_retention_days >= 1 && floor(var.payload_retention_days) == var.payload_retention_days
    error_message = "payload_retention_days must be a positive integer, got ${var.payload_retention_days}."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days after which Airflow's task logs are deleted from the log bucket."

  validation {
    condition     = var.log_retention_days >= 1 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days must be a positive integer, got ${var.log_retention_days}."
  }
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether a destroy empties the buckets first."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
