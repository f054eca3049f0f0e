# Dashboard, alarms and budget.

variable "observability" {
  type        = bool
  default     = false
  description = "Whether to make a dashboard, alarms and a log of every task event."
  nullable    = false
}

variable "container_insights" {
  type        = string
  default     = null
  description = "Container Insights: enabled, enhanced (per task) or disabled. Null: enabled if observability is on, because its dashboard needs it. CloudWatch bills each metric."
}

variable "alarm_sns_topic_arn" {
  type        = string
  default     = null
  description = "SNS topic for alarms. Null: they only show in CloudWatch."
}

variable "alarm_queue_age_seconds" {
  type        = number
  default     = 120
  description = "Age of the oldest task event, in seconds, that raises an alarm."
  nullable    = false
}

variable "alarm_failed_launches" {
  type        = number
  default     = 5
  description = "Failed launches in five minutes that raise an alarm."
  nullable    = false
}

variable "own_log_policy" {
  type        = bool
  default     = true
  description = "Whether observability makes its own CloudWatch Logs resource policy. AWS allows ten in a region; the README shows one policy for all deployments."
  nullable    = false
}

variable "budget" {
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default     = null
  description = "Monthly limit in USD for resources with this deployment's tag, and who gets a mail at 80 % and at a forecast of 100 %. Needs observability, and the tag airflow-fargate as a cost allocation tag of the account."
}

variable "price_vcpu_hour" {
  type        = number
  default     = 0.04048
  description = "USD per vCPU-hour, for the dashboard's estimate. The default is On-Demand x86 in us-east-1."
  nullable    = false
}

variable "price_gb_hour" {
  type        = number
  default     = 0.004445
  description = "USD per GB-hour of memory, for the dashboard's estimate. The default is On-Demand x86 in us-east-1."
  nullable    = false
}
