variable "vpc_id" {
  type        = string
  description = "The VPC in which tasks run."

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must look like vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets in which tasks run, 2 to 16, in two zones or more."

  validation {
    condition     = length(var.subnet_ids) >= 2 && length(var.subnet_ids) <= 16
    error_message = "Give 2 to 16 subnets in two zones or more (RunTask takes at most 16; with one zone, its lack of capacity stops every task)."
  }

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "Each of subnet_ids must look like subnet-0123456789abcdef0."
  }

  validation {
    condition     = length(distinct(var.subnet_ids)) == length(var.subnet_ids)
    error_message = "Each of subnet_ids may be named once."
  }
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task gets a public address, which it needs in public subnets. Nothing can connect to it: the tasks' security group lets nothing in."
}
