variable "name" {
  type        = string
  description = "Name of the deployment."
}

variable "cluster_arn" {
  type        = string
  description = "Cluster in which tasks may be started, described and stopped."
}

variable "family" {
  type        = string
  description = "Family of the task definition that may be run, and no other."
}

variable "passed_role_arns" {
  type        = list(string)
  description = "Roles that RunTask hands to the task: its task role and its execution role."
}

variable "queue" {
  type        = object({ arn = string, kms_key_arn = string })
  default     = null
  description = "Queue of task state changes. Null: the executor has none, and describes its tasks."
}

variable "payloads" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where the executor puts workloads. Null: it sends them inline."
}

variable "logs" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where Airflow's page reads task logs. Null: nowhere but in CloudWatch."
}

variable "log_group_arn" {
  type        = string
  description = "Log group of the containers: the last lines explain a failure."
}

variable "repository_arn" {
  type        = string
  default     = null
  description = "ECR repository of the worker image, looked at by the executor's doctor. Null: the image is not in ECR."
}

variable "role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the scheduler and the API server: they get the policy."
}

variable "triggerer_role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the triggerer: they get the policy that writes task logs. One of role_names may be here too."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
