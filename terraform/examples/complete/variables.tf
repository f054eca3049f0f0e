variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment; every name of a resource begins with it."
}

variable "region" {
  type        = string
  default     = null
  description = "AWS region. Null: the one that the AWS environment names (AWS_REGION, profile)."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource, and for every task."
}

variable "nat" {
  type        = string
  default     = "single"
  description = "How tasks reach the internet: single, per_zone, public (the cheapest) or none."
}

variable "execution_api_server_url" {
  type        = string
  default     = null
  description = "The API server's address (Airflow 3) as containers reach it, for instance http://airflow.internal:8080/execution/."
}

variable "airflow_port" {
  type        = number
  default     = null
  description = "Port at which tasks reach Airflow. Null: the port of execution_api_server_url; for Airflow 2.11 the metadata database's."
}

variable "airflow_cidrs" {
  type        = set(string)
  default     = []
  description = "Address ranges in which Airflow is. Empty: the VPC's own range."
}

variable "pushed_image" {
  type        = string
  default     = null
  description = "The image that was pushed last; make push writes it to image.auto.tfvars.json here."
}

variable "worker_image_tag" {
  type        = string
  default     = "v1"
  description = "Tag of the image in the deployment's own repository."
}

variable "worker_environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of the container. Not for secrets."
}

variable "worker_secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables whose values ECS fetches from Secrets Manager: name -> ARN."
}

variable "scheduler_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the scheduler and the API server."
}

variable "triggerer_role_names" {
  type        = set(string)
  default     = []
  description = "Existing IAM roles that run the triggerer."
}

variable "observability" {
  type        = bool
  default     = false
  description = "Whether there are a dashboard, alarms and a log of every task event."
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether destroy also deletes buckets and a repository that are not empty."
}
