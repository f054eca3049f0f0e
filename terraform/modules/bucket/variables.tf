variable "name" {
  type        = string
  description = "Name of the bucket. No other account may have a bucket of this name."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 63 lower-case letters, digits and hyphens, and must not begin or end with a hyphen, got '${var.name}'."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the bucket."
}

variable "versioning" {
  type        = bool
  default     = false
  description = "Whether an object that is overwritten or deleted stays as an older version. Once on, it cannot be turned off."
}

variable "expiration_days" {
  type        = number
  default     = null
  description = "Days after which an object is deleted. Null: it stays."

  validation {
    condition     = var.expiration_days == null ? true : var.expiration_days >= 1 && floor(var.expiration_days) == var.expiration_days
    error_message = "expiration_days must be a positive integer or null, got ${jsonencode(var.expiration_days)}."
  }
}

variable "noncurrent_days" {
  type        = number
  default     = 30
  description = "With versioning: days after which an older version is deleted."

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a positive integer, got ${var.noncurrent_days}."
  }
}

variable "abort_multipart_days" {
  type        = number
  default     = 1
  description = "Days after which the parts of an upload that was not completed are deleted."

  validation {
    condition     = var.abort_multipart_days >= 1 && floor(var.abort_multipart_days) == var.abort_multipart_days
    error_message = "abort_multipart_days must be a positive integer, got ${var.abort_multipart_days}."
  }
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
