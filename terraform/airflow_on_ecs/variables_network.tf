variable "vpc_cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the VPC, /16 to /22: every task takes one address."
  nullable    = false
}

variable "availability_zones" {
  type        = list(string)
  default     = []
  description = "Zones of the VPC, two to six. Empty: the first two of the region that have Fargate."
  nullable    = false
}

variable "nat" {
  type        = string
  default     = null
  description = "How containers reach the internet: single, per_zone, public (each container has a public address; the cheapest) or none (endpoints only). Null: by size, single or per_zone."
}

variable "interface_endpoints" {
  type        = set(string)
  default     = []
  description = "Further AWS services that the VPC reaches through interface endpoints, for example [\"sts\", \"athena\"]."
  nullable    = false
}

variable "flow_log" {
  type        = bool
  default     = true
  description = "Whether to log the VPC's traffic. CloudWatch Logs bills it by the GB."
  nullable    = false
}

variable "existing_network" {
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
  default     = null
  description = "An existing VPC with subnets in two zones or more, for tasks, Airflow and its database. Null: a VPC is made."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether containers in existing_network get public addresses, which they need in public subnets."
  nullable    = false
}

variable "egress_cidrs" {
  type = map(object({
    port  = number
    cidrs = set(string)
  }))
  default     = {}
  description = "Where tasks may connect besides HTTPS and Airflow: a name of yours -> TCP port and address ranges, for example { warehouse = { port = 5439, cidrs = [\"10.1.0.0/16\"] } }."
  nullable    = false
}

variable "egress_security_groups" {
  type = map(object({
    port              = number
    security_group_id = string
  }))
  default     = {}
  description = "The same by security group."
  nullable    = false
}
