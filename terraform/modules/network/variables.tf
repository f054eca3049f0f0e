variable "name" {
  type        = string
  description = "Name of the deployment. Every name here starts with it."
}

variable "cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the VPC, /16 to /22. An eighth of it per zone goes to tasks: each task takes one address."

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr))
    error_message = "The VPC's cidr must be an IPv4 range between /16 and /22, for instance 10.0.0.0/16: every task takes one address."
  }
}

variable "zones" {
  type        = list(string)
  default     = []
  description = "Availability zones, two to six, for instance [\"us-east-1a\", \"us-east-1b\"]. Empty: the first two of the region that have Fargate."

  validation {
    condition     = length(var.zones) == 0 || (length(var.zones) >= 2 && length(var.zones) <= 6)
    error_message = "Name two to six availability zones, or none for the first two of the region: with one zone, its lack of capacity stops every task."
  }

  validation {
    condition     = length(distinct(var.zones)) == length(var.zones)
    error_message = "Each availability zone may be named once."
  }
}

variable "nat" {
  type        = string
  default     = "single"
  description = "How tasks reach the internet: none (endpoints only), single (one NAT gateway for all zones), per_zone (one each), or public (no NAT gateway: each task has a public address, and nothing can connect to it)."

  validation {
    condition     = contains(["none", "single", "per_zone", "public"], var.nat)
    error_message = "nat must be none, single, per_zone or public."
  }
}

variable "needed_endpoints" {
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs"]
  description = "Services that a container calls before its first line of code: image and log stream, and the stores of its secrets. With nat = none they get endpoints, whatever endpoints says."
}

variable "endpoints" {
  type        = set(string)
  default     = []
  description = "Further AWS services reached through interface endpoints, for instance [\"sts\", \"athena\"]. S3 always has its gateway endpoint, which is free."

  validation {
    condition     = alltrue([for service in var.endpoints : can(regex("^[a-z0-9.-]+$", service)) && service != "s3"])
    error_message = "endpoints holds service names such as sts, athena or secretsmanager; S3 has its gateway endpoint already."
  }
}

variable "flow_log" {
  type        = bool
  default     = true
  description = "Whether all traffic of the VPC is logged. CloudWatch Logs bills it by the GB."
}

variable "kms_key_arn" {
  type        = string
  description = "Key that encrypts the flow log."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the flow log is kept."
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of the permissions boundary of the flow log's role."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
