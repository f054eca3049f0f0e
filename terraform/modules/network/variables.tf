variable "name" {
  type        = string
  description = "Name of the deployment. Every name here starts with it."
}

variable "cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the VPC, /16 to /22. Tasks get an eighth of it in each zone, and each task takes one address."

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr))
    error_message = "The VPC's cidr must be an IPv4 range between /16 and /22, for example 10.0.0.0/16, got '${var.cidr}'."
  }
}

variable "zones" {
  type        = list(string)
  default     = []
  description = "Availability zones, two to six, for instance [\"us-east-1a\", \"us-east-1b\"]. Empty: the first two of the region that have Fargate."

  validation {
    condition     = length(var.zones) == 0 || (length(var.zones) >= 2 && length(var.zones) <= 6)
    error_message = "zones must be two to six availability zones, or empty for the region's first two, got ${length(var.zones)}. With one zone, no task starts while that zone has no capacity."
  }

  validation {
    condition     = length(distinct(var.zones)) == length(var.zones)
    error_message = "zones must not repeat an availability zone."
  }
}

variable "nat" {
  type        = string
  default     = "single"
  description = "How tasks reach the internet: none (endpoints only), single (one NAT gateway), per_zone (one in each zone) or public (no NAT gateway; each task gets a public address that nothing can connect to)."

  validation {
    condition     = contains(["none", "single", "per_zone", "public"], var.nat)
    error_message = "nat must be none, single, per_zone or public, got '${var.nat}'."
  }
}

variable "needed_endpoints" {
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs"]
  description = "Services that ECS calls to start a container: for the image, the log stream and the secrets. With nat = none they always get endpoints."
}

variable "endpoints" {
  type        = set(string)
  default     = []
  description = "Further AWS services reached through interface endpoints, for instance [\"sts\", \"athena\"]. S3 always has its gateway endpoint, which is free."

  validation {
    condition     = alltrue([for service in var.endpoints : can(regex("^[a-z0-9.-]+$", service)) && service != "s3"])
    error_message = "endpoints must be names of services such as sts, athena or secretsmanager, and not s3, which always has a gateway endpoint, got ${jsonencode(var.endpoints)}."
  }
}

variable "flow_log" {
  type        = bool
  default     = true
  description = "Whether to log the VPC's traffic. CloudWatch Logs bills it by the GB."
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
