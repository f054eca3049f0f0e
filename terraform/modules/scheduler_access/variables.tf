variable "name" {
  type        = string
  description = "Name of the deployment."
}

variable "cluster_arn" {
  type        = string
  description = "Cluster in which tasks are started, described and stopped."
}

variable "family" {
  type        = string
  description = "Family of the task definition that the scheduler may run, and no other."
}

variable "passed_role_arns" {
  type        = list(string)
  description = "Task role and execution role, which RunTask passes to the task."
}

variable "queue" {
  type        = object({ arn = string, kms_key_arn = string })
  default     = null
  description = "Queue of task state changes. Null: there is none, and the executor polls."
}

variable "payloads" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where the executor puts workloads, and its status below status/. Null: it sends workloads inline and writes no status."
}

variable "standby" {
  type        = bool
  default     = false
  description = "Whether the executor keeps standby containers: it may then offer them workloads and tag them. Needs payloads."
}

variable "logs" {
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
  default     = null
  description = "Where Airflow keeps task logs. Null: only in CloudWatch Logs."
}

variable "log_group_arn" {
  type        = string
  description = "Log group of the task containers: its last lines explain a failure, and the API server shows it while a task runs."
}

variable "repository_arn" {
  type        = string
  default     = null
  description = "ECR repository of the worker image, which the doctor checks. Null: the image is not in ECR."
}

variable "role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the scheduler, alone or together with the API server. They get the scheduler's policy and the API server's."
}

variable "api_server_role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the API server and no scheduler. They may only read task logs and the schedulers' status."
}

variable "triggerer_role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the triggerer. They may write task logs. A role of role_names may be here too."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
