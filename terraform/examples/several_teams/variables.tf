variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the Airflow; a team's names begin with NAME-TEAM."
}

variable "teams" {
  type = map(object({
    capacity         = list(string)
    cpu              = number
    memory           = number
    task_policy_arns = map(string)
  }))
  default = {
    analytics = { capacity = ["FARGATE_SPOT", "FARGATE"], cpu = 1024, memory = 2048, task_policy_arns = {} }
    science   = { capacity = ["FARGATE"], cpu = 4096, memory = 16384, task_policy_arns = {} }
  }
  description = "The teams as Airflow knows them (airflow teams create NAME), and what their tasks get."

  validation {
    condition     = alltrue([for team in keys(var.teams) : can(regex("^[a-z][a-z0-9]{1,11}$", team))]) && !contains(keys(var.teams), "shared")
    error_message = "A team's name must have 2 to 12 lower-case letters and digits, a letter first, and must not be \"shared\"."
  }

  validation {
    condition     = length(var.teams) <= 9
    error_message = "At most 9 teams: a scheduler's role takes ten managed policies, one for each team and one for all."
  }
}

variable "execution_api_server_url" {
  type        = string
  default     = "http://airflow.internal:8080/execution/"
  description = "The API server's address, as containers reach it."
}

variable "scheduler_role_names" {
  type        = set(string)
  default     = []
  description = "Existing roles that run the schedulers; they get every team's policy."
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether destroy also deletes buckets and repositories that are not empty."
}
