variable "deployment" {
  type        = string
  description = "Name of this Airflow; part of every task's startedBy and tags."
}

variable "cluster" {
  type        = object({ name = string, capacity_chain = list(string) })
  description = "The cluster, and its capacity providers in their order; an empty list for FARGATE alone."
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
  description = "The worker's task definition, settings of it that the executor needs, and the container's options of [logging]."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets of the tasks."
}

variable "assign_public_ip" {
  type        = bool
  default     = false
  description = "Whether each task gets a public address, which it needs in public subnets."
}

variable "tasks_call_api_server" {
  type        = bool
  default     = true
  description = "Whether tasks call an API server (Airflow 3). If so, the configuration includes settings with which tasks survive its redeploy. Tasks of Airflow 2 connect to the database instead."
}

variable "event_queue_url" {
  type        = string
  default     = null
  description = "Queue of task state changes. Null: there is none, and the executor polls."
}

variable "payloads" {
  type        = object({ bucket = string, prefix = string })
  default     = null
  description = "Where workloads are until a container fetches them. Null: they are sent inline."
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
