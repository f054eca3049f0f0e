variable "name" {
  type        = string
  description = "Name of the deployment, and of the dashboard."
}

variable "cluster" {
  type        = object({ name = string, arn = string })
  description = "The cluster that is watched."
}

variable "family" {
  type        = string
  description = "Family of the worker's task definition."
}

variable "queues" {
  type        = object({ events = string, dead_letter = string })
  description = "Names of the task event queue and of its dead-letter queue."
}

variable "rule_name" {
  type        = string
  description = "Name of the EventBridge rule that feeds the queue."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the log of task events."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the log of task events is kept. ECS itself forgets a stopped task after an hour."
}

variable "alarms" {
  type = object({
    sns_topic_arn     = optional(string)
    queue_age_seconds = optional(number, 120)
    failed_launches   = optional(number, 5)
  })
  default     = {}
  description = "Where alarms go (null: they only show in CloudWatch), the age of the oldest event that is too much, and how many launches may fail in five minutes."

  validation {
    condition     = var.alarms.sns_topic_arn == null || can(regex("^arn:[a-z-]+:sns:", var.alarms.sns_topic_arn))
    error_message = "alarms.sns_topic_arn must be the ARN of an SNS topic."
  }

  validation {
    condition     = var.alarms.queue_age_seconds >= 60 && var.alarms.failed_launches >= 1
    error_message = "alarms.queue_age_seconds must be at least 60 and alarms.failed_launches at least 1."
  }
}

variable "budget" {
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default     = null
  description = "Monthly limit in USD for what bears this deployment's tag, and who is told at 80 % and when 100 % are forecast. The tag airflow-fargate must be a cost allocation tag of the account. Null: no budget."

  validation {
    condition     = var.budget == null || try(var.budget.monthly_usd > 0 && length(var.budget.emails) >= 1 && length(var.budget.emails) <= 10, false)
    error_message = "budget needs monthly_usd above 0 and 1 to 10 emails."
  }
}

variable "prices" {
  type = object({
    vcpu_hour = optional(number, 0.04048)
    gb_hour   = optional(number, 0.004445)
  })
  default     = {}
  description = "USD per vCPU-hour and GB-hour for the dashboard's estimate; by default On-Demand x86 in us-east-1."
}
