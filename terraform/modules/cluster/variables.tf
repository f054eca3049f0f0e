variable "name" {
  type        = string
  description = "Name of the deployment, and of the cluster."
}

variable "capacity" {
  type        = list(string)
  default     = ["FARGATE"]
  description = "Capacity providers in the order in which the executor tries them; the first is the cluster's default."

  validation {
    condition     = length(var.capacity) > 0
    error_message = "capacity must not be empty. Use FARGATE, FARGATE_SPOT or both."
  }

  validation {
    condition     = alltrue([for provider in var.capacity : contains(["FARGATE", "FARGATE_SPOT"], provider)])
    error_message = "capacity must only contain FARGATE and FARGATE_SPOT, in the order in which a launch tries them, got ${jsonencode(var.capacity)}."
  }

  validation {
    condition     = length(distinct(var.capacity)) == length(var.capacity)
    error_message = "capacity must not repeat a capacity provider."
  }
}

variable "container_insights" {
  type        = string
  default     = "disabled"
  description = "Container Insights: enabled, enhanced (per task, at a higher price) or disabled. CloudWatch bills each metric."

  validation {
    condition     = contains(["enabled", "enhanced", "disabled"], var.container_insights)
    error_message = "container_insights must be enabled, enhanced or disabled, got '${var.container_insights}'."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts ECS Exec sessions and their log."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the log of ECS Exec sessions is kept."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
