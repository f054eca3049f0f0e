variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment; every name of a resource begins with it. Two deployments in one account have two names."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 2 to 24 characters: lower-case letters, digits and single hyphens, a letter first and no hyphen last. It becomes part of bucket names."
  }
}

variable "region" {
  type        = string
  default     = null
  description = "AWS region. Null: the one that the AWS environment names (AWS_REGION, profile)."
}

variable "network" {
  type = object({
    cidr      = optional(string, "10.0.0.0/16")
    zones     = optional(list(string), [])
    nat       = optional(string, "single")
    endpoints = optional(set(string))
    existing = optional(object({
      vpc_id     = string
      subnet_ids = list(string)
    }))
  })
  default     = {}
  description = <<-EOT
    Where tasks run. Either a VPC is made: cidr (/16 to /22), zones (names of two or more; empty takes the first two),
    nat (none, single or per_zone) and endpoints (services with interface endpoints; by default those that tasks need
    when nat is none). Or existing names a VPC and its subnets, in two zones or more, and nothing is made.
  EOT
  nullable    = false
}

variable "airflow" {
  type = object({
    execution_api_server_url = optional(string)
    port                     = optional(number)
    cidrs                    = optional(list(string), [])
    security_group_ids       = optional(list(string), [])
  })
  default     = {}
  description = <<-EOT
    How tasks reach Airflow. execution_api_server_url is the API server's address (Airflow 3), for instance
    http://airflow.internal:8080/execution/. Tasks may go to cidrs and security_group_ids at port; by default to the
    VPC's own range at the port of the URL. For Airflow 2.11: port is the metadata database's, its connection one of
    worker.secrets.
  EOT
  nullable    = false

  validation {
    condition     = var.airflow.execution_api_server_url == null || can(regex("^https?://[^/:]+(:[0-9]+)?/(.*/)?execution/?$", var.airflow.execution_api_server_url))
    error_message = "execution_api_server_url must be a URL whose path ends in /execution/, for instance http://airflow.internal:8080/execution/."
  }

  validation {
    condition     = alltrue([for id in var.airflow.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "Each of airflow.security_group_ids must look like sg-0123456789abcdef0; address ranges go into airflow.cidrs."
  }
}

variable "worker" {
  type = object({
    cpu                   = optional(number, 1024)
    memory                = optional(number, 2048)
    architecture          = optional(string, "X86_64")
    ephemeral_storage_gib = optional(number, 21)
    image                 = optional(string)
    image_tag             = optional(string, "v1")
    environment           = optional(map(string), {})
    secrets               = optional(map(string), {})
    secrets_kms_key_arns  = optional(set(string), [])
    task_policy_arns      = optional(map(string), {})
  })
  default     = {}
  description = <<-EOT
    The container of a task: cpu units (1024 are one vCPU) and memory in MiB, architecture X86_64 or ARM64, disk in GiB;
    image_tag in the deployment's own repository, or image, a full reference from elsewhere; environment, and secrets
    (name -> ARN in Secrets Manager or SSM, with the customer managed keys they need); task_policy_arns, further policies
    for what your tasks do on AWS (any name -> ARN).
  EOT
  nullable    = false
}

variable "image_digest" {
  type        = string
  default     = null
  description = "Digest of the image that was pushed, as `make push` writes it to image.auto.tfvars.json: tasks then run exactly this image, whatever the tag says. Null: the tag decides."

  validation {
    condition     = var.image_digest == null || can(regex("^(.+@)?sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest must look like sha256: and 64 hexadecimal digits, as the registry answered the push."
  }
}

variable "capacity" {
  type        = list(string)
  default     = ["FARGATE"]
  description = "Capacity providers in the order in which a launch tries them, for instance [\"FARGATE_SPOT\", \"FARGATE\"]: Spot first, On-Demand when there is none."
  nullable    = false
}

variable "scheduler_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the scheduler and the API server; they get the scheduler's policy. Empty: attach scheduler_policy_arn yourself."
  nullable    = false

  validation {
    condition     = alltrue([for name in var.scheduler_role_names : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", name))])
    error_message = "scheduler_role_names holds names of roles, neither ARNs nor paths: airflow-scheduler, not arn:aws:iam::123456789012:role/airflow-scheduler."
  }
}

variable "triggerer_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the triggerer; they may write task logs. The scheduler's role, where it runs the triggerer too. Empty: attach triggerer_policy_arn yourself."
  nullable    = false

  validation {
    condition     = alltrue([for name in var.triggerer_role_names : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", name))])
    error_message = "triggerer_role_names holds names of roles, neither ARNs nor paths: airflow-triggerer, not arn:aws:iam::123456789012:role/airflow-triggerer."
  }
}

variable "retention" {
  type = object({
    log_days     = optional(number, 365)
    payload_days = optional(number, 1)
    event_days   = optional(number, 4)
    images       = optional(number, 50)
  })
  default     = {}
  description = "Days for which logs, payloads that nobody fetched and undelivered events are kept, and how many images."
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention.log_days)
    error_message = "retention.log_days must be a period that CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "observability" {
  type = object({
    container_insights = optional(string, "enabled")
    sns_topic_arn      = optional(string)
    queue_age_seconds  = optional(number, 120)
    failed_launches    = optional(number, 5)
    budget             = optional(object({ monthly_usd = number, emails = list(string) }))
    prices             = optional(object({ vcpu_hour = optional(number), gb_hour = optional(number) }), {})
  })
  default     = null
  description = <<-EOT
    Dashboard, alarms, a log of every task event, and an optional budget; null for none of them. container_insights is
    enabled, enhanced or disabled; alarms go to sns_topic_arn; queue_age_seconds and failed_launches (in five minutes) are
    what is too much; prices (USD per vCPU-hour and GB-hour) are for the dashboard's estimate.
  EOT
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of a permissions boundary for every role made here."

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy, for instance arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether destroy also deletes buckets and a repository that are not empty."
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
}
