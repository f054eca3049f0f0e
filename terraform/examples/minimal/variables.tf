variable "name" {
  type        = string
  default     = "airflow-minimal"
  description = "Name of the deployment."
}

variable "execution_api_server_url" {
  type        = string
  default     = "http://airflow.internal:8080/execution/"
  description = "The API server's address, as containers reach it."
}
