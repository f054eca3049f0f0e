variable "vpc_id" {
  type        = string
  description = "The VPC in which tasks run."

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must look like vpc-0123456789abcdef0, got '${var.vpc_id}'."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets in which tasks run, 2 to 16, in two zones or more."

  validation {
    condition     = length(var.subnet_ids) >= 2 && length(var.subnet_ids) <= 16
    error_message = "subnet_ids must be 2 to 16 subnets in two zones or more, got ${length(var.subnet_ids)}. RunTask takes at most 16, and with one zone no task starts while that zone has no capacity."
  }

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Each of subnet_ids must look like subnet-0123456789abcdef0."
  }

  validation {
    condition     = length(distinct(var.subnet_ids)) == length(var.subnet_ids)
    error_message = "subnet_ids must not repeat a subnet."
  }
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task gets a public address, which it needs in public subnets. The tasks' security group allows no inbound connections."
}
