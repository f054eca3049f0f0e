variable "name" {
  type        = string
  description = "Name of the deployment."
}

variable "size" {
  type        = string
  default     = "small"
  description = "small (one container of each component) or ha (two of each, and larger)."

  validation {
    condition     = contains(["small", "ha"], var.size)
    error_message = "size must be small or ha, got '${var.size}'."
  }
}

variable "image" {
  type        = string
  default     = null
  description = "The control image with its digest. Null: it is not pushed yet, and there are no services."
}

variable "repository_arn" {
  type        = string
  description = "ECR repository of the control image."
}

variable "architecture" {
  type        = string
  default     = "X86_64"
  description = "X86_64 or ARM64, as the images were built."
}

variable "airflow_environment" {
  type        = map(string)
  description = "The executor's configuration, as environment variables: output airflow_environment of the root module."
}

variable "worker_task_definition_arn" {
  type        = string
  description = "The revision of the worker's task definition that the scheduler launches."
}

variable "execution_url" {
  type        = string
  description = "Address of the API server, as tasks reach it."
}

variable "base_url" {
  type        = string
  default     = "http://localhost:8080"
  description = "Address of Airflow's page, as people reach it."
}

variable "bundle_config" {
  type        = string
  description = "Value of [dag_processor] dag_bundle_config_list, in JSON."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further environment of all components; it overrides what is set here. Not for secrets: it is in the task definitions."
}

variable "database" {
  type = object({
    address           = string
    name              = string
    secret_arn        = string
    security_group_id = string
  })
  description = "The metadata database: host, name, secret with username and password, security group."
}

variable "secrets" {
  type = object({
    arns               = map(string)
    fernet_was_rotated = bool
  })
  description = "Airflow's secrets: outputs of the module secrets."
}

variable "scheduler_policy_arn" {
  type        = string
  description = "Policy of the scheduler: starts, follows and stops tasks."
}

variable "reader_policy_arn" {
  type        = string
  description = "Policy of the API server: reads task logs."
}

variable "triggerer_policy_arn" {
  type        = string
  description = "Policy of the triggerer: writes task logs."
}

variable "triggerer_task_policy_arns" {
  type        = map(string)
  default     = {}
  description = "The tasks' own policies: deferred operators call AWS from the triggerer. A name of yours -> ARN."

  validation {
    condition     = !contains(keys(var.triggerer_task_policy_arns), "triggerer")
    error_message = "The name triggerer in triggerer_task_policy_arns is taken by triggerer_policy_arn; choose another one."
  }
}

variable "dags_policy_arns" {
  type        = map(string)
  default     = {}
  description = "Policies with which the DAG processor reads DAGs: a name -> ARN."
}

variable "cluster_arn" {
  type        = string
  description = "The ECS cluster."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets in which the components run."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each container gets a public address, which it needs in public subnets."
}

variable "https" {
  type        = object({ cidrs = list(string), prefix_lists = map(string) })
  description = "Where the components may connect with HTTPS: address ranges, and prefix lists by name."
}

variable "security_group_ids" {
  type        = map(string)
  description = "Security group of each component: api, scheduler, dag-processor, triggerer."
}

variable "worker_security_group_id" {
  type        = string
  description = "Security group of the tasks, which call the API server."
}

variable "registry_arn" {
  type        = string
  description = "Cloud Map service in which ECS registers the API server."
}

variable "tunnel" {
  type        = bool
  default     = true
  description = "Whether people can reach the API server through SSM port forwarding."
}

variable "wait_for_steady_state" {
  type        = bool
  default     = true
  description = "Whether an apply waits until the new containers are healthy, or ECS went back to the old ones."
}

variable "kms_key_arn" {
  type        = string
  description = "Key of the secrets and of the log groups."
}

variable "permissions_boundary" {
  type        = string
  default     = null
  description = "ARN of the permissions boundary of every role."
}

variable "log_retention_days" {
  type        = number
  default     = 365
  description = "Days for which the components' output is kept."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
