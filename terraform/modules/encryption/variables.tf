variable "name" {
  type        = string
  description = "Name of the deployment. CloudWatch Logs and EventBridge may use the key only for its log groups and queues."
}

variable "deletion_window_days" {
  type        = number
  default     = 30
  description = "Days after a destroy in which the key, and what it encrypts, can still be restored, 7 to 30."

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30 && floor(var.deletion_window_days) == var.deletion_window_days
    error_message = "deletion_window_days must be an integer between 7 and 30, got ${var.deletion_window_days}."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
