variable "deployment" {
  type        = string
  description = "Name of this Airflow, in every task's startedBy and tags."
}

variable "cluster" {
  type        = object({ name = string, capacity_chain = list(string) })
  description = "Where tasks run, and the capacity providers in their order; empty where launch_type says it."
}

variable "worker" {
  type = object({
    family            = string
    container_name    = string
    security_group_id = string
    cpu               = number
    memory            = number
    log_group         = string
    log_stream_prefix = string
    logging           = map(string)
  })
  description = "The task definition, what the executor must know of it, and the options of [logging] that its container has."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Where tasks get their address."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task gets a public address, which it needs in public subnets."
}

variable "tasks_call_api_server" {
  type        = bool
  default     = true
  description = "Whether tasks call Airflow's API server (Airflow 3): then scheduler and API server get settings with which tasks outlast its redeploy. Tasks of Airflow 2 open the database."
}

variable "event_queue_url" {
  type        = string
  default     = null
  description = "Queue of task state changes. Null: the executor describes its tasks."
}

variable "payloads" {
  type        = object({ bucket = string, prefix = string })
  default     = null
  description = "Where workloads wait for their container. Null: they come inline."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every task."
}

variable "standby" {
  type = map(object({
    min = number
    max = number
    windows = list(object({
      hours    = string
      days     = string
      timezone = string
      min      = number
    }))
  }))
  default     = {}
  description = "Standby containers per queue; empty: none."
}

variable "standby_preload" {
  type        = list(string)
  default     = []
  description = "Modules that standby containers import before they have a task."
}
