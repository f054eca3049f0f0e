variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment, and prefix of every resource's name. Deployments in one account need different names."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 2 to 24 lower-case letters, digits and single hyphens, a letter first and no hyphen last, got '${var.name}'. It becomes part of bucket names."
  }
}

variable "capacity" {
  type        = list(string)
  default     = ["FARGATE"]
  description = "Capacity providers in the order in which a launch tries them. [\"FARGATE_SPOT\", \"FARGATE\"] uses Spot, and On-Demand when Spot has no capacity."
  nullable    = false
}

variable "scheduler_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the scheduler, alone or together with the API server. They get scheduler_policy_arn and reader_policy_arn. Empty: attach the policies yourself."
  nullable    = false

  validation {
    condition     = alltrue([for name in var.scheduler_role_names : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", name))])
    error_message = "scheduler_role_names takes names of roles, not ARNs or paths: airflow-scheduler, not arn:aws:iam::123456789012:role/airflow-scheduler."
  }
}

variable "api_server_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the API server and no scheduler. They get reader_policy_arn: they may read task logs and the schedulers' status, and start nothing."
  nullable    = false

  validation {
    condition     = alltrue([for name in var.api_server_role_names : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", name))])
    error_message = "api_server_role_names takes names of roles, not ARNs or paths: airflow-api, not arn:aws:iam::123456789012:role/airflow-api."
  }
}

variable "triggerer_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the triggerer. They get triggerer_policy_arn: they may write task logs. A role that runs the scheduler, too, belongs in both lists. Empty: attach the policy yourself."
  nullable    = false

  validation {
    condition     = alltrue([for name in var.triggerer_role_names : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", name))])
    error_message = "triggerer_role_names takes names of roles, not ARNs or paths: airflow-triggerer, not arn:aws:iam::123456789012:role/airflow-triggerer."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days to keep all logs: container output, Airflow's task logs, the log of task events, the flow log."
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch Logs supports, got ${var.log_retention_days}: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "payload_retention_days" {
  type        = number
  default     = 1
  description = "Days after which a payload that no container fetched is deleted."
  nullable    = false
}

variable "event_retention_days" {
  type        = number
  default     = 4
  description = "Days to keep a task event that was not received, 1 to 14."
  nullable    = false
}

variable "kept_images" {
  type        = number
  default     = 50
  description = "Number of images to keep in the repository; older ones are deleted."
  nullable    = false
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of a permissions boundary for every role."

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::(aws|[0-9]{12}):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy, for instance arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether a destroy also deletes buckets and a repository that are not empty."
  nullable    = false
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource, and for every task."
  nullable    = false

  validation {
    condition     = length(var.tags) <= 40
    error_message = "At most 40 tags: AWS allows 50 on a task, and the executor adds its own."
  }

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])
    error_message = "AWS rejects ${join(", ", [for key, value in var.tags : jsonencode(key) if !(can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value)))])} of tags: keys have 1 to 128 characters, values up to 256, and both only letters, digits, spaces and _ . : / = + - @."
  }

  validation {
    condition     = !anytrue([for key in keys(var.tags) : startswith(lower(key), "aws:")])
    error_message = "Tag keys must not begin with aws:, which AWS reserves."
  }

  validation {
    condition     = length(distinct([for key in concat(keys(var.tags), ["airflow-fargate"]) : lower(key)])) == length(var.tags) + 1
    error_message = "Tag keys must differ by more than case, which IAM ignores, and must not be airflow-fargate, which is the deployment's own tag."
  }
}
