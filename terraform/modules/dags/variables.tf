variable "name" {
  type        = string
  description = "Name of the deployment. The bucket is NAME-dags-ACCOUNT-REGION."
}

variable "source_kind" {
  type        = string
  default     = "s3"
  description = "Where DAGs come from: s3 (a bucket made here), image (baked into both images) or git."

  validation {
    condition     = contains(["s3", "image", "git"], var.source_kind)
    error_message = "source_kind must be s3, image or git, got '${var.source_kind}'."
  }
}

variable "git" {
  type = object({
    repo_url     = string
    tracking_ref = string
    subdir       = string
    git_conn_id  = string
  })
  default     = null
  description = "For source_kind git: the repository's address, the branch, the folder of the DAGs in it (null: the top), and the Airflow connection with its credentials (null: it is public). The worker image needs the git provider and the program git."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the bucket."
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether a destroy also deletes a bucket that is not empty."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
