variable "name" {
  type        = string
  default     = "airflow"
  description = "Name of the deployment."
}
