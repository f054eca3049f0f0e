variable "name" {
  type        = string
  description = "Name of the deployment. The private DNS namespace is NAME.airflow.internal."
}

variable "vpc_id" {
  type        = string
  description = "The VPC in which Airflow and its tasks run."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for every resource."
}
