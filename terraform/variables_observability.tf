# Dashboard, alarms, budget, and what CloudWatch bills besides.

variable "observability" {
  type        = bool
  default     = false
  description = "Whether there are a dashboard, alarms and a log of every task event."
  nullable    = false
}

variable "container_insights" {
  type        = string
  default     = null
  description = "Container Insights of the cluster: enabled, enhanced (per task) or disabled. Null: enabled with observability, whose dashboard shows it, else disabled. CloudWatch bills each metric."
}

variable "alarm_sns_topic_arn" {
  type        = string
  default     = null
  description = "SNS topic that alarms go to. Null: they only show in CloudWatch."
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
  description = "Whether observability makes a CloudWatch Logs resource policy of its own, of which AWS allows ten in a region. See the README for one policy that serves every deployment."
  nullable    = false
}

variable "budget" {
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default     = null
  description = "Monthly limit in USD for what bears this deployment's tag, and who gets a mail at 80 % and when 100 % are forecast; with observability. The tag airflow-fargate must be a cost allocation tag of the account."
}

variable "price_vcpu_hour" {
  type        = number
  default     = 0.04048
  description = "USD per vCPU-hour for the dashboard's estimate; by default On-Demand x86 in us-east-1."
  nullable    = false
}

variable "price_gb_hour" {
  type        = number
  default     = 0.004445
  description = "USD per GB-hour of memory for the dashboard's estimate; by default On-Demand x86 in us-east-1."
  nullable    = false
}
