# Where tasks run and where they may go.

variable "vpc_cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the VPC that is made, /16 to /22: every task takes one address."
  nullable    = false
}

variable "availability_zones" {
  type        = list(string)
  default     = []
  description = "Zones of the VPC that is made, two to six, for instance [\"us-east-1a\", \"us-east-1b\"]. Empty: the first two of the region that have Fargate."
  nullable    = false
}

variable "nat" {
  type        = string
  default     = "single"
  description = "How tasks in the VPC that is made reach the internet: single (one NAT gateway), per_zone (one each), public (no NAT gateway; each task has a public address, and nothing can connect to it: the cheapest) or none (only endpoints)."
  nullable    = false
}

variable "interface_endpoints" {
  type        = set(string)
  default     = []
  description = "Further AWS services that the VPC reaches through interface endpoints, for instance [\"sts\", \"athena\"]. With nat = none, what containers need to start has its endpoints already."
  nullable    = false
}

variable "flow_log" {
  type        = bool
  default     = true
  description = "Whether the traffic of the VPC that is made is logged. CloudWatch Logs bills it by the GB."
  nullable    = false
}

variable "existing_network" {
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
  default     = null
  description = "A VPC and its subnets, in two zones or more, in which tasks run. Null: a VPC is made. If the VPC is made in the same apply, give airflow_cidrs or airflow_security_group_ids as well: its range is not known yet."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task in existing_network gets a public address, which it needs in public subnets. In a VPC that is made here, nat says it."
  nullable    = false
}

variable "execution_api_server_url" {
  type        = string
  default     = null
  description = "The API server's address (Airflow 3) as containers reach it, for instance http://airflow.internal:8080/execution/. Airflow 2.11 has none: give airflow_port and worker_secrets."

  validation {
    condition     = var.execution_api_server_url == null || can(regex("^https?://[^/:]+(:[0-9]+)?/(.*/)?execution/?$", var.execution_api_server_url))
    error_message = "execution_api_server_url must be a URL whose path ends in /execution/, for instance http://airflow.internal:8080/execution/."
  }
}

variable "airflow_port" {
  type        = number
  default     = null
  description = "Port at which tasks reach Airflow: for Airflow 2.11 the metadata database's. Null: the port of execution_api_server_url. If that URL is known only after apply, the port must be given."
}

variable "airflow_cidrs" {
  type        = set(string)
  default     = []
  description = "Address ranges in which Airflow is. Without these and airflow_security_group_ids: the VPC's own ranges."
  nullable    = false
}

variable "airflow_security_group_ids" {
  type        = map(string)
  default     = {}
  description = "Security groups in which Airflow is: a name of yours -> id. The names are keys, so that an id may be made in the same apply."
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.airflow_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "Each of airflow_security_group_ids must look like sg-0123456789abcdef0; address ranges go into airflow_cidrs."
  }
}

variable "egress_cidrs" {
  type = map(object({
    port  = number
    cidrs = set(string)
  }))
  default     = {}
  description = "Where else tasks may go (databases, SFTP, SMTP, git over ssh), besides HTTPS and Airflow: name -> TCP port and address ranges, for instance { warehouse = { port = 5439, cidrs = [\"10.1.0.0/16\"] } }."
  nullable    = false
}

variable "egress_security_groups" {
  type = map(object({
    port              = number
    security_group_id = string
  }))
  default     = {}
  description = "The same by security group, for instance { warehouse = { port = 5439, security_group_id = \"sg-0123456789abcdef0\" } }."
  nullable    = false
}
