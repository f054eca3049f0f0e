# The container of a task.

variable "worker_cpu" {
  type        = number
  default     = 1024
  description = "Default CPU units of a task; 1024 are one vCPU."
  nullable    = false
}

variable "worker_memory" {
  type        = number
  default     = 2048
  description = "Default memory of a task in MiB."
  nullable    = false
}

variable "worker_architecture" {
  type        = string
  default     = "X86_64"
  description = "X86_64 or ARM64, as the image was built."
  nullable    = false
}

variable "worker_ephemeral_storage_gib" {
  type        = number
  default     = 21
  description = "Disk of a task in GiB, 21 to 200; the image counts against it."
  nullable    = false
}

variable "worker_image" {
  type        = string
  default     = null
  description = "Full reference of an image in another ECR repository (of any account or region) or another registry, with a tag or digest. Null: worker_image_tag in the deployment's own repository."
}

variable "worker_image_tag" {
  type        = string
  default     = "v1"
  description = "Tag of the image in the deployment's own repository."
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.worker_image_tag))
    error_message = "worker_image_tag must be a tag, for instance 2026-11-22: letters, digits, underscores, dots and hyphens."
  }
}

variable "pushed_image" {
  type        = string
  default     = null
  description = "The image that was pushed last, as REPOSITORY:TAG@sha256:DIGEST; `make push` writes it to image.auto.tfvars.json. Tasks run exactly this digest. It is ignored if it belongs to another repository or if the image already has a digest."

  validation {
    condition     = var.pushed_image == null || can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.pushed_image))
    error_message = "pushed_image must look like REPOSITORY:TAG@sha256: and 64 hexadecimal digits, as make push writes it."
  }
}

variable "worker_image_pull_through_cache" {
  type        = bool
  default     = false
  description = "Whether an ECR pull through cache rule fills the repository of worker_image. If so, the execution role may import images."
  nullable    = false
}

variable "worker_image_credentials_arn" {
  type        = string
  default     = null
  description = "Secret in Secrets Manager with username and password, if worker_image is in a private registry outside ECR."
}

variable "worker_environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of the container; overrides what the module sets. Not for secrets: the task definition shows it."
  nullable    = false
}

variable "worker_secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables that ECS fetches from Secrets Manager: name -> ARN, optionally followed by :json-key::. The execution role's policy has room for about 90."
  nullable    = false
}

variable "worker_parameters" {
  type        = map(string)
  default     = {}
  description = "Environment variables that ECS fetches from SSM Parameter Store: name -> ARN."
  nullable    = false
}

variable "worker_secrets_kms_key_arns" {
  type        = list(string)
  default     = []
  description = "Customer managed keys of those secrets and parameters."
  nullable    = false
}

variable "worker_keep_revisions" {
  type        = bool
  default     = false
  description = "Whether older revisions of the task definition stay active, for a scheduler that launches a revision and not the family. A destroy leaves them active, too; make destroy removes them."
  nullable    = false
}

variable "task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "What your tasks may do on AWS: further policies of the task role, a name of yours -> ARN."
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
