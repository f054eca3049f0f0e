variable "name" {
  type        = string
  description = "Name of the deployment."
}

variable "component" {
  type        = string
  description = "Name of the service in the cluster, and of its container, for example scheduler."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}$", var.component))
    error_message = "component must be up to 24 lower-case letters, digits and hyphens, a letter first, got '${var.component}'."
  }
}

variable "image" {
  type        = string
  default     = null
  description = "The image with its digest. Null: the image is not pushed yet, and there is no service."

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must end in @sha256: and 64 hexadecimal digits, got '${coalesce(var.image, "nothing")}'."
  }
}

variable "repository_arn" {
  type        = string
  description = "ECR repository of the image."
}

variable "command" {
  type        = list(string)
  description = "Command of the container."
}

variable "init_command" {
  type        = list(string)
  default     = null
  description = "Command of a container that must end with success before the component starts. Null: there is none."
}

variable "health_command" {
  type        = list(string)
  description = "Command whose exit code says whether the component is healthy."
}

variable "cpu" {
  type        = number
  description = "CPU units: 1024 are one vCPU."
}

variable "memory" {
  type        = number
  description = "Memory in MiB."
}

variable "desired_count" {
  type        = number
  default     = 1
  description = "Number of containers that run."

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be 0 or a positive integer, got ${var.desired_count}."
  }
}

variable "architecture" {
  type        = string
  default     = "X86_64"
  description = "X86_64 or ARM64, as the image was built."

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture must be X86_64 or ARM64, got '${var.architecture}'."
  }
}

variable "stop_timeout" {
  type        = number
  default     = 60
  description = "Seconds between SIGTERM and SIGKILL, 2 to 120."

  validation {
    condition     = var.stop_timeout >= 2 && var.stop_timeout <= 120
    error_message = "stop_timeout must be 2 to 120 seconds, which Fargate allows, got ${var.stop_timeout}."
  }
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Environment of the container and of the init container. Not for secrets: it is in the task definition."
}

variable "secrets" {
  type        = map(string)
  description = "Environment variables that ECS fetches from Secrets Manager: name -> ARN, with an optional :json-key:version-stage: behind it."

  validation {
    condition     = length(var.secrets) > 0
    error_message = "secrets must name at least one secret."
  }
}

variable "read_secret_arns" {
  type        = list(string)
  description = "Secrets that the component reads itself, with its task role."
}

variable "task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "Further policies of the task role: a name of yours -> ARN."
}

variable "kms_key_arn" {
  type        = string
  description = "Key of the secrets and of the log group."
}

variable "port" {
  type        = number
  default     = null
  description = "Port on which the component listens. Null: it does not."
}

variable "ingress" {
  type        = map(string)
  default     = {}
  description = "Security groups that may connect to the port: a name of yours -> id."
}

variable "egress" {
  type        = map(object({ port = number, security_group_id = string }))
  default     = {}
  description = "Where the component connects to besides HTTPS: a name of yours -> port and security group."
}

variable "https" {
  type        = object({ cidrs = list(string), prefix_lists = map(string) })
  description = "Where the component may connect with HTTPS: address ranges, and prefix lists by name."
}

variable "security_group_id" {
  type        = string
  description = "Security group of the component, whose rules are made here."
}

variable "cluster_arn" {
  type        = string
  description = "The ECS cluster."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets in which the containers run."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each container gets a public address, which it needs in public subnets."
}

variable "registry_arn" {
  type        = string
  default     = null
  description = "Cloud Map service in which ECS registers the containers. Null: none."
}

variable "tunnel" {
  type        = bool
  default     = false
  description = "Whether the task has a container to which SSM can forward a port."
}

variable "wait_for_steady_state" {
  type        = bool
  default     = true
  description = "Whether an apply waits until the new containers are healthy, or ECS went back to the old ones."
}

variable "after" {
  type        = string
  default     = null
  description = "An output of a service that must be up before this one is made or changed. Only the order matters, not the value."
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of the permissions boundary of both roles."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the component's output is kept."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
