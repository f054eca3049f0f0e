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
  description = "Key that encrypts both queues. Its policy must let events.amazonaws.com use it for queues of this name."
}

variable "retention_days" {
  type        = number
  default     = 4
  description = "Days for which an undelivered event waits, 1 to 14. ECS forgets a stopped task after an hour: a scheduler that was away longer learns its tasks' ends from here."

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number between 1 and 14, the most that SQS allows."
  }
}

variable "max_receive_count" {
  type        = number
  default     = 100
  description = "Receptions after which an event goes to the dead-letter queue. With several schedulers one of them may receive another's event and give it back, which counts."

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number and lie between 1 and 1000, as SQS demands."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
