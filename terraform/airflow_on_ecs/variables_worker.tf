variable "capacity" {
  type        = list(string)
  default     = ["FARGATE"]
  description = "Capacity providers for tasks, in the order in which a launch tries them. Airflow itself always runs On-Demand."
  nullable    = false
}

variable "worker_cpu" {
  type        = number
  default     = 1024
  description = "CPU units of a task that asks for nothing else: 1024 are one vCPU."
  nullable    = false
}

variable "worker_memory" {
  type        = number
  default     = 2048
  description = "Memory in MiB of a task that asks for nothing else."
  nullable    = false
}

variable "worker_environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of tasks; it overrides what is set here. Not for secrets."
  nullable    = false
}

variable "worker_secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables of tasks that ECS fetches from Secrets Manager: name -> ARN."
  nullable    = false
}

variable "worker_secrets_kms_key_arns" {
  type        = list(string)
  default     = []
  description = "Customer managed keys of those secrets."
  nullable    = false
}

variable "standby" {
  type = map(object({
    min = number
    max = number
    windows = list(object({
      hours    = string
      days     = string
      timezone = string
      min      = number
    }))
  }))
  default     = {}
  description = "Containers that wait for tasks: queue -> how many at least and at most (max null: no limit), and more in windows such as hours = 06:00-08:00, days = mon-fri (null: each). They cost as much as running ones. Every key must be given, for example { default = { min = 2, max = null, windows = [] } }."
  nullable    = false
}

variable "standby_preload" {
  type        = list(string)
  default     = []
  description = "Modules that standby containers import before they have a task."
  nullable    = false
}

variable "task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "What your tasks may do on AWS, in their containers and, while deferred, in the triggerer: a name of yours -> ARN of a policy."
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.task_policy_arns), ["dags", "triggerer"])) == 0
    error_message = "The names dags and triggerer in task_policy_arns are taken; choose others."
  }
}
