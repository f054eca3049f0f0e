variable "name" {
  type        = string
  description = "Name of the deployment, and of the dashboard."
}

variable "cluster" {
  type        = object({ name = string, arn = string })
  description = "The cluster to watch."
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
  description = "Days to keep the log of task events. ECS itself forgets a stopped task after an hour."
}

variable "alarm_sns_topic_arn" {
  type        = string
  default     = null
  description = "SNS topic for alarms. Null: they only show in CloudWatch."

  validation {
    condition     = var.alarm_sns_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", var.alarm_sns_topic_arn))
    error_message = "alarm_sns_topic_arn must be the ARN of an SNS topic, for instance arn:aws:sns:us-east-1:123456789012:oncall."
  }
}

variable "alarm_queue_age_seconds" {
  type        = number
  default     = 120
  description = "Age of the oldest task event, in seconds, that raises an alarm."

  validation {
    condition     = var.alarm_queue_age_seconds >= 60
    error_message = "alarm_queue_age_seconds must be at least 60, because events are received in batches, got ${var.alarm_queue_age_seconds}."
  }
}

variable "alarm_failed_launches" {
  type        = number
  default     = 5
  description = "Failed launches in five minutes that raise an alarm."

  validation {
    condition     = var.alarm_failed_launches >= 1
    error_message = "alarm_failed_launches must be at least 1, got ${var.alarm_failed_launches}."
  }
}

variable "own_log_policy" {
  type        = bool
  default     = true
  description = "Whether to make a CloudWatch Logs resource policy that lets EventBridge write the log of task events. AWS allows ten in a region: with more deployments, make one yourself for /aws/events/airflow-fargate/* and set this to false."
}

variable "budget" {
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default     = null
  description = "Monthly limit in USD for resources with this deployment's tag, and who gets a mail at 80 % and at a forecast of 100 %. The tag airflow-fargate must be a cost allocation tag of the account. Null: no budget."

  validation {
    condition     = var.budget == null || try(var.budget.monthly_usd > 0 && length(var.budget.emails) >= 1 && length(var.budget.emails) <= 10, false)
    error_message = "budget needs monthly_usd above 0 and 1 to 10 emails."
  }

  validation {
    condition     = alltrue([for email in try(var.budget.emails, []) : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "Each of budget.emails must be an e-mail address."
  }
}

variable "price_vcpu_hour" {
  type        = number
  default     = 0.04048
  description = "USD per vCPU-hour, for the dashboard's estimate. The default is On-Demand x86 in us-east-1."
}

variable "price_gb_hour" {
  type        = number
  default     = 0.004445
  description = "USD per GB-hour of memory, for the dashboard's estimate. The default is On-Demand x86 in us-east-1."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
