# The network of the tasks: where they run, and where they may connect.

variable "vpc_cidr" {
  type        = string
  default     = "10.0.0.0/16"
  description = "Address range of the new VPC, /16 to /22. Every task takes one address."
  nullable    = false
}

variable "availability_zones" {
  type        = list(string)
  default     = []
  description = "Availability zones of the new VPC, two to six, for example [\"us-east-1a\", \"us-east-1b\"]. Empty: the region's first two with Fargate."
  nullable    = false
}

variable "nat" {
  type        = string
  default     = "single"
  description = "How tasks in the new VPC reach the internet: single (one NAT gateway), per_zone (one in each zone), public (no NAT gateway; each task gets a public address that nothing can connect to; the cheapest) or none (endpoints only)."
  nullable    = false
}

variable "interface_endpoints" {
  type        = set(string)
  default     = []
  description = "Further AWS services to reach through interface endpoints, for example [\"sts\", \"athena\"]. With nat = none, the endpoints that containers need to start are always made."
  nullable    = false
}

variable "flow_log" {
  type        = bool
  default     = true
  description = "Whether to log the new VPC's traffic. CloudWatch Logs bills it by the GB."
  nullable    = false
}

variable "existing_network" {
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
  default     = null
  description = "An existing VPC and its subnets, in two zones or more, for tasks. Null: a VPC is made. If the same apply makes that VPC, also set airflow_cidrs or airflow_security_group_ids, because its range is not known yet."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task in existing_network gets a public address, which it needs in public subnets. In a new VPC, nat decides."
  nullable    = false
}

variable "execution_api_server_url" {
  type        = string
  default     = null
  description = "Address of Airflow 3's API server as containers reach it, for example http://airflow.internal:8080/execution/. For Airflow 2.11, set airflow_port and worker_secrets instead."

  validation {
    condition     = var.execution_api_server_url == null || can(regex("^https?://[^/:]+(:[0-9]+)?/(.*/)?execution/?$", var.execution_api_server_url))
    error_message = "execution_api_server_url must be a URL whose path ends in /execution/, for instance http://airflow.internal:8080/execution/."
  }
}

variable "airflow_port" {
  type        = number
  default     = null
  description = "Port on which tasks reach Airflow; for Airflow 2.11, the metadata database's. Null: the port of execution_api_server_url. Required if that URL is only known after apply."
}

variable "airflow_cidrs" {
  type        = set(string)
  default     = []
  description = "Address ranges in which Airflow runs. If neither these nor airflow_security_group_ids are set: the VPC's own ranges."
  nullable    = false
}

variable "airflow_security_group_ids" {
  type        = map(string)
  default     = {}
  description = "Airflow's security groups: a name of yours -> id. The ids may be made in the same apply, because the names are the keys."
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
  description = "Where tasks may connect besides HTTPS and Airflow (databases, SFTP, SMTP, git over ssh): a name of yours -> TCP port and address ranges, for example { warehouse = { port = 5439, cidrs = [\"10.1.0.0/16\"] } }."
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
