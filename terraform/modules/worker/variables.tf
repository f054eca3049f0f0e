variable "name" {
  type        = string
  description = "Name of the deployment. The task definition's family is NAME-worker."
}

variable "cpu" {
  type        = number
  default     = 1024
  description = "Default CPU units of a task; 1024 are one vCPU."

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu must be 256, 512, 1024, 2048, 4096, 8192 or 16384, got ${var.cpu}."
  }
}

variable "memory" {
  type        = number
  default     = 2048
  description = "Default memory of a task in MiB. Fargate supports only certain combinations of cpu and memory."

  validation {
    condition     = var.memory == 512 || (var.memory >= 1024 && var.memory <= 122880 && var.memory % 1024 == 0)
    error_message = "memory must be 512, or a multiple of 1024 from 1024 to 122880, got ${var.memory}."
  }
}

variable "architecture" {
  type        = string
  default     = "X86_64"
  description = "X86_64 or ARM64, as the image was built."

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture must be X86_64 or ARM64, as the image was built, got '${var.architecture}'."
  }
}

variable "ephemeral_storage_gib" {
  type        = number
  default     = 21
  description = "Disk of a task in GiB, 21 to 200. The image counts against it."

  validation {
    condition     = var.ephemeral_storage_gib >= 21 && var.ephemeral_storage_gib <= 200 && floor(var.ephemeral_storage_gib) == var.ephemeral_storage_gib
    error_message = "ephemeral_storage_gib must be an integer between 21 and 200, got ${var.ephemeral_storage_gib}."
  }
}

variable "image" {
  type        = string
  description = "The image, with a tag, a digest or both. If it is in a private ECR repository of any account, the execution role may pull it."

  validation {
    condition     = can(regex("^[^\\s:@]+(:[0-9]+/[^\\s:@]+)?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$", var.image)) && can(regex(":[^/]+$", var.image))
    error_message = "image must name a tag or a digest, for instance example.org/airflow:2026-11-22 or example.org/airflow:2026-11-22@sha256:..."
  }
}

variable "pull_through_cache" {
  type        = bool
  default     = false
  description = "Whether an ECR pull through cache rule fills the image's repository. If so, the execution role may import images."
}

variable "repository_credentials_arn" {
  type        = string
  default     = null
  description = "Secret in Secrets Manager with username and password of a private registry outside ECR. Null: the registry needs no login."

  validation {
    condition     = var.repository_credentials_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+$", var.repository_credentials_arn))
    error_message = "repository_credentials_arn must be the ARN of a secret in Secrets Manager, for instance arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf."
  }
}

variable "execution_api_server_url" {
  type        = string
  default     = null
  description = "Address of Airflow 3's API server as containers reach it, for example http://airflow.internal:8080/execution/."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of the container; overrides what the module sets. Not for secrets: the task definition shows it."

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names in environment must be letters, digits and underscores, and must not begin with a digit."
  }
}

variable "secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables that ECS fetches from Secrets Manager: name -> ARN, optionally followed by :json-key:version-stage:version-id."

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+(:[^:]*:[^:]*:[^:]*)?$", arn))])
    error_message = "Each of secrets must be the ARN of a Secrets Manager secret, optionally followed by :json-key:version-stage:version-id. SSM parameters go into parameters."
  }

  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names in secrets must be letters, digits and underscores, and must not begin with a digit."
  }
}

variable "parameters" {
  type        = map(string)
  default     = {}
  description = "Environment variables that ECS fetches from SSM Parameter Store: name -> ARN of the parameter."

  validation {
    condition     = alltrue([for arn in values(var.parameters) : can(regex("^arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/.+$", arn))])
    error_message = "Each of parameters must be the ARN of an SSM parameter, for instance arn:aws:ssm:us-east-1:123456789012:parameter/airflow/fernet-key."
  }

  validation {
    condition     = alltrue([for name in keys(var.parameters) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names in parameters must be letters, digits and underscores, and must not begin with a digit."
  }
}

variable "secrets_kms_key_arns" {
  type        = list(string)
  default     = []
  description = "Customer managed keys of those secrets and parameters."

  validation {
    condition     = alltrue([for arn in var.secrets_kms_key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", arn))])
    error_message = "Each of secrets_kms_key_arns must be the ARN of a key, not of an alias: arn:aws:kms:us-east-1:123456789012:key/..."
  }
}

variable "keep_revisions" {
  type        = bool
  default     = false
  description = "Whether older revisions of the task definition stay active, for a scheduler that launches a revision and not the family. A destroy leaves them active, too; make destroy removes them."
}

variable "task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "What your tasks may do on AWS: further policies of the task role, a name of yours -> ARN."

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

variable "vpc_id" {
  type        = string
  description = "The VPC in which tasks run."
}

variable "https" {
  type = object({
    cidrs        = list(string)
    prefix_lists = map(string)
  })
  description = "Where tasks may connect with HTTPS: address ranges, and prefix lists by name."
}

variable "airflow" {
  type = object({
    port               = number
    cidrs              = set(string)
    security_group_ids = map(string)
  })
  description = "Where Airflow runs: its port, address ranges, and security groups (a name of yours -> id)."

  validation {
    condition     = var.airflow.port >= 1 && var.airflow.port <= 65535
    error_message = "Airflow's port must be between 1 and 65535, got ${var.airflow.port}."
  }

  validation {
    condition     = alltrue([for cidr in var.airflow.cidrs : try(cidrsubnet(cidr, 0, 0) == cidr, false)])
    error_message = "Each of Airflow's cidrs must be an IPv4 range that begins at its first address, for instance 10.0.0.0/16 and not 10.0.0.7/16."
  }

  validation {
    condition     = length(distinct(values(var.airflow.security_group_ids))) == length(var.airflow.security_group_ids)
    error_message = "Airflow's security groups must not repeat: AWS rejects a duplicate rule."
  }
}

variable "egress_cidrs" {
  type = map(object({
    port  = number
    cidrs = set(string)
  }))
  default     = {}
  description = "Where else tasks may connect (databases, SFTP, SMTP, git over ssh): name -> TCP port and address ranges."

  validation {
    condition     = alltrue([for name, rule in var.egress_cidrs : rule.port >= 1 && rule.port <= 65535 && alltrue([for cidr in rule.cidrs : try(cidrsubnet(cidr, 0, 0) == cidr, false)])])
    error_message = "Each of egress_cidrs needs a port between 1 and 65535 and IPv4 ranges that begin at their first address, for instance { port = 5439, cidrs = [\"10.1.0.0/16\"] }."
  }

  validation {
    condition     = alltrue([for name in keys(var.egress_cidrs) : can(regex("^[A-Za-z0-9_-]{1,64}$", name)) && !contains(["https", "airflow"], name)])
    error_message = "Names in egress_cidrs must be 1 to 64 letters, digits, hyphens and underscores. https and airflow are taken."
  }
}

variable "egress_security_groups" {
  type = map(object({
    port              = number
    security_group_id = string
  }))
  default     = {}
  description = "The same by security group: name -> TCP port and security group."

  validation {
    condition     = alltrue([for name, rule in var.egress_security_groups : rule.port >= 1 && rule.port <= 65535 && can(regex("^sg-[0-9a-f]+$", rule.security_group_id))])
    error_message = "Each of egress_security_groups needs a port between 1 and 65535 and a security_group_id such as sg-0123456789abcdef0."
  }

  validation {
    condition     = alltrue([for name in keys(var.egress_security_groups) : can(regex("^[A-Za-z0-9_-]{1,64}$", name)) && !contains(["https", "airflow"], name)])
    error_message = "Names in egress_security_groups must be 1 to 64 letters, digits, hyphens and underscores. https and airflow are taken."
  }
}

variable "payloads" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where the container fetches and deletes its workload. Null: workloads are sent inline."
}

variable "standby" {
  type        = bool
  default     = false
  description = "Whether tasks may run in standby containers, which read offers from the payload bucket and answer them. Needs payloads."
}

variable "logs" {
  type        = object({ bucket = string, bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where Airflow in the container writes the task's log. Null: logs are only in CloudWatch."
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

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
