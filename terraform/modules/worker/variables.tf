variable "name" {
  type        = string
  description = "Name of the deployment. The task definition's family is NAME-worker."
}

variable "size" {
  type = object({
    cpu                   = optional(number, 1024)
    memory                = optional(number, 2048)
    architecture          = optional(string, "X86_64")
    ephemeral_storage_gib = optional(number, 21)
  })
  default     = {}
  description = "What a task gets that asks for nothing else: cpu units (1024 are one vCPU), memory in MiB, X86_64 or ARM64, disk in GiB."

  validation {
    condition = contains(lookup({
      256   = [512, 1024, 2048]
      512   = range(1024, 4097, 1024)
      1024  = range(2048, 8193, 1024)
      2048  = range(4096, 16385, 1024)
      4096  = range(8192, 30721, 1024)
      8192  = range(16384, 61441, 4096)
      16384 = range(32768, 122881, 8192)
    }, tostring(var.size.cpu), []), var.size.memory)
    error_message = "Fargate has no such pair of cpu and memory. It has, as cpu units: MiB of memory - 256: 512, 1024, 2048; 512: 1024 to 4096; 1024: 2048 to 8192; 2048: 4096 to 16384; 4096: 8192 to 30720 (each in steps of 1024); 8192: 16384 to 61440 in steps of 4096; 16384: 32768 to 122880 in steps of 8192."
  }

  validation {
    condition     = contains(["X86_64", "ARM64"], var.size.architecture)
    error_message = "architecture must be X86_64 or ARM64, as the image was built."
  }

  validation {
    condition     = var.size.ephemeral_storage_gib >= 21 && var.size.ephemeral_storage_gib <= 200
    error_message = "ephemeral_storage_gib must lie between 21 and 200, which is what Fargate allows; the image counts against it."
  }
}

variable "image" {
  type        = string
  description = "The image, with its tag or digest."

  validation {
    condition     = can(regex("^[^\\s:]+(:[0-9]+)?[^\\s:@]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image must name a tag or a digest, for instance example.org/airflow:2026-11-22."
  }
}

variable "repository_arn" {
  type        = string
  description = "ECR repository from which the image may be pulled."
}

variable "execution_api_server_url" {
  type        = string
  default     = null
  description = "The API server's address, as containers reach it (Airflow 3), for instance http://airflow.internal:8080/execution/."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of the container; it outranks what is set here. Not for secrets: it stands in the task definition."

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names in environment must be letters, digits and underscores, and must not begin with a digit."
  }
}

variable "secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables whose values ECS fetches at start: name -> ARN in Secrets Manager (with an optional :json-key:: behind it) or of an SSM parameter."

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[a-z-]+:(secretsmanager|ssm):", arn))])
    error_message = "Each of secrets must be the ARN of a Secrets Manager secret or of an SSM parameter."
  }
}

variable "secrets_kms_key_arns" {
  type        = set(string)
  default     = []
  description = "Customer managed keys of those secrets."
}

variable "task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "What your tasks may do on AWS: further policies for the task role, name -> ARN. The names are yours and mean nothing."

  validation {
    condition     = alltrue([for arn in values(var.task_policy_arns) : can(regex("^arn:[a-z-]+:iam::(aws|[0-9]{12}):policy/.+$", arn))])
    error_message = "Each of task_policy_arns must be the ARN of a policy, for instance arn:aws:iam::aws:policy/AmazonAthenaFullAccess."
  }
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of the permissions boundary of both roles."
}

variable "network" {
  type = object({
    vpc_id = string
    https = object({
      cidrs        = list(string)
      prefix_lists = map(string)
    })
    airflow = object({
      port               = number
      cidrs              = list(string)
      security_group_ids = list(string)
    })
  })
  description = "Where tasks run, where they may go with HTTPS, and at which port and where Airflow is."

  validation {
    condition     = var.network.airflow.port >= 1 && var.network.airflow.port <= 65535
    error_message = "Airflow's port must lie between 1 and 65535."
  }

  validation {
    condition     = alltrue([for cidr in var.network.airflow.cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each of Airflow's cidrs must be an IPv4 range, for instance 10.0.0.0/16."
  }
}

variable "payloads" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where the container fetches its workload, and deletes it. Null: workloads come inline."
}

variable "logs" {
  type        = object({ bucket = string, bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where Airflow in the container writes the task's log. Null: logs are in CloudWatch alone."
}

variable "kms_key_arn" {
  type        = string
  description = "Key of the log group."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the container's output is kept."
}
