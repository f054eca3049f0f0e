# Everything has a default: `terraform apply` works in an empty account.

variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment, and prefix of every resource's name."
  nullable    = false
}

variable "region" {
  type        = string
  default     = null
  description = "AWS region. Null: the one of the AWS environment (AWS_REGION, profile)."
}

variable "size" {
  type        = string
  default     = "small"
  description = "small (one container of each component, one NAT gateway, a small database) or ha (two of each, a NAT gateway in each zone, a database in two zones)."
  nullable    = false

  validation {
    condition     = contains(["small", "ha"], var.size)
    error_message = "size must be small or ha, got '${var.size}'."
  }
}

variable "images" {
  type = object({
    airflow = string
    worker  = string
    control = string
  })
  default     = null
  description = "The Airflow release, and both images as REPOSITORY:TAG@sha256:DIGEST; written to images.auto.tfvars.json after both pushes. Null: Airflow's services are not made yet."

  validation {
    condition     = var.images == null ? true : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+", var.images.airflow)) && try(tonumber(split(".", var.images.airflow)[0]) * 10000 + tonumber(split(".", var.images.airflow)[1]) * 100 + tonumber(regex("^[0-9]+", split(".", var.images.airflow)[2])) >= 30202, false)
    error_message = "This deployment needs Airflow 3.2.2 or later, which lets it fetch the database password for each connection; images.airflow is '${try(var.images.airflow, "")}'."
  }

  validation {
    condition     = var.images == null ? true : alltrue([for image in [var.images.worker, var.images.control] : can(regex("^[^@\\s]+:[^:/@\\s]+@sha256:[0-9a-f]{64}$", image))])
    error_message = "images.worker and images.control must look like REPOSITORY:TAG@sha256: and 64 hexadecimal digits, got ${try(jsonencode([var.images.worker, var.images.control]), "nothing")}."
  }
}

variable "architecture" {
  type        = string
  default     = "X86_64"
  description = "X86_64 or ARM64, as both images are built. ARM64 costs a fifth less."
  nullable    = false
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Airflow settings (AIRFLOW__SECTION__KEY) and other environment of all of Airflow's components; it overrides what is set here. Not for secrets."
  nullable    = false
}

variable "tunnel" {
  type        = bool
  default     = true
  description = "Whether people reach Airflow's page through SSM port forwarding (`make open`). The page has no public address."
  nullable    = false
}

variable "dags_source" {
  type        = string
  default     = "s3"
  description = "Where DAGs come from: s3 (a bucket, polled), image (baked into both images; best for production) or git."
  nullable    = false

  validation {
    condition     = contains(["s3", "image", "git"], var.dags_source)
    error_message = "dags_source must be s3, image or git, got '${var.dags_source}'."
  }
}

variable "dags_git" {
  type = object({
    repo_url     = string
    tracking_ref = string
    subdir       = string
    git_conn_id  = string
  })
  default     = null
  description = "With dags_source git: address, branch, folder (null: the top) and the Airflow connection with the credentials (null: public). Add the git provider and git to the worker image."
}

variable "secret_generations" {
  type        = map(number)
  default     = {}
  description = "A higher number gives a secret a new value: jwt, api, fernet or admin -> number, 1 at first. See the README before you change one."
  nullable    = false
}

variable "wait_for_steady_state" {
  type        = bool
  default     = true
  description = "Whether an apply waits until Airflow's new containers are healthy, and fails if they never are."
  nullable    = false
}

variable "observability" {
  type        = bool
  default     = false
  description = "Whether to make a dashboard, alarms and a log of every task event."
  nullable    = false
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which all logs are kept."
  nullable    = false
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of a permissions boundary for every role."
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether a destroy also deletes buckets and repositories that are not empty. Apply true before the destroy."
  nullable    = false
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource, and for every task."
  nullable    = false
}
