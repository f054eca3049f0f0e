# The container of a task.

variable "worker_cpu" {
  type        = number
  default     = 1024
  description = "CPU units of a task that asks for nothing else: 1024 are one vCPU."
  nullable    = false
}

variable "worker_memory" {
  type        = number
  default     = 2048
  description = "MiB of memory of a task that asks for nothing else."
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
  description = "A full reference of an image from elsewhere, with tag or digest: another ECR repository (of another account or region too), or another registry. Null: the deployment's own repository and worker_image_tag."
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
  description = "The image that was pushed last, as REPOSITORY:TAG@sha256:DIGEST; `make push` writes it to image.auto.tfvars.json. Tasks run exactly this image if it is of their repository; another repository's, and an image that has a digest already, stay as they are."

  validation {
    condition     = var.pushed_image == null || can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.pushed_image))
    error_message = "pushed_image must look like REPOSITORY:TAG@sha256: and 64 hexadecimal digits, as make push writes it."
  }
}

variable "worker_image_pull_through_cache" {
  type        = bool
  default     = false
  description = "Whether the repository of worker_image is filled by a pull through cache rule of ECR: ECS may then fill it."
  nullable    = false
}

variable "worker_image_credentials_arn" {
  type        = string
  default     = null
  description = "Secret in Secrets Manager with username and password of the private registry of worker_image, if that is not ECR."
}

variable "worker_environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of the container; it outranks what is set here. Not for secrets: it stands in the task definition."
  nullable    = false
}

variable "worker_secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables whose values ECS fetches from Secrets Manager: name -> ARN, with an optional :json-key:: behind it. About 90 fit into the execution role's policy."
  nullable    = false
}

variable "worker_parameters" {
  type        = map(string)
  default     = {}
  description = "Environment variables whose values ECS fetches from SSM Parameter Store: name -> ARN."
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
  description = "What your tasks may do on AWS: further policies for the task role, any name -> ARN."
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
