variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment, and prefix of every resource's name."
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
  description = "Address of Airflow 3's API server as containers reach it, for example http://airflow.internal:8080/execution/."
}

variable "airflow_port" {
  type        = number
  default     = null
  description = "Port on which tasks reach Airflow. Null: the port of execution_api_server_url. For Airflow 2.11, the metadata database's port."
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
  description = "Further environment of the container. Not for secrets: the task definition shows it."
}

variable "worker_secrets" {
  type        = map(string)
  default     = {}
  description = "Environment variables that ECS fetches from Secrets Manager: name -> ARN."
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
  description = "Whether to make a dashboard, alarms and a log of every task event."
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether a destroy also deletes buckets and a repository that are not empty."
}
