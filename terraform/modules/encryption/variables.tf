variable "name" {
  type        = string
  description = "Name of the deployment. The key serves its log groups and its queues, and no others."
}

variable "deletion_window_days" {
  type        = number
  default     = 30
  description = "Days between destroy and the key's end, 7 to 30, in which it can still be saved, and with it what it encrypts."

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30 && floor(var.deletion_window_days) == var.deletion_window_days
    error_message = "deletion_window_days must be a whole number between 7 and 30, as KMS demands."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
