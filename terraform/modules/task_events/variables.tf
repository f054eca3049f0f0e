variable "name" {
  type        = string
  description = "Name of the deployment. The queues are NAME-task-events and NAME-task-events-dead-letter."
}

variable "cluster_arn" {
  type        = string
  description = "Cluster whose task state changes are delivered."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts both queues. Its policy must allow events.amazonaws.com to use it for queues of this name."
}

variable "retention_days" {
  type        = number
  default     = 4
  description = "Days to keep an event that was not received, 1 to 14. ECS forgets a stopped task after an hour, so a scheduler that was down longer learns from these events how its tasks ended."

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be an integer between 1 and 14, got ${var.retention_days}."
  }
}

variable "max_receive_count" {
  type        = number
  default     = 100
  description = "Number of receives after which an event goes to the dead-letter queue. A scheduler that receives another scheduler's event returns it, and that counts."

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be an integer between 1 and 1000, got ${var.max_receive_count}."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
