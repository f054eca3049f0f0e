variable "name" {
  type        = string
  description = "Name of the deployment. The repository is NAME/IMAGE."
}

variable "image" {
  type        = string
  default     = "worker"
  description = "What the image is for: worker, or control for Airflow's own components."

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.image))
    error_message = "image must be lower-case letters, digits and single hyphens, got '${var.image}'."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the images."
}

variable "kept_images" {
  type        = number
  default     = 50
  description = "Number of images to keep; older ones are deleted. Keep every image that you may want to roll back to."

  validation {
    condition     = var.kept_images >= 1 && floor(var.kept_images) == var.kept_images
    error_message = "kept_images must be a positive integer, got ${var.kept_images}."
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
