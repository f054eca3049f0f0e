variable "name" {
  type        = string
  description = "Name of the deployment. The repository is NAME/worker."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the images."
}

variable "kept_images" {
  type        = number
  default     = 50
  description = "Tagged images that are kept; the oldest beyond it are deleted. Keep more than you may want to roll back to."

  validation {
    condition     = var.kept_images >= 1 && floor(var.kept_images) == var.kept_images
    error_message = "kept_images must be a whole number of at least 1."
  }
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether destroy deletes a repository that still holds images."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
