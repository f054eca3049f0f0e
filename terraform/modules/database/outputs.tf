output "address" {
  value       = aws_db_instance.airflow.address
  description = "Host name of the database. The port is 5432."

  # A component that connects before its rule exists waits for a timeout.
  depends_on = [aws_vpc_security_group_ingress_rule.component]
}

output "database_name" {
  value       = aws_db_instance.airflow.db_name
  description = "Name of the database in the instance."
}

output "secret_arn" {
  value       = aws_db_instance.airflow.master_user_secret[0].secret_arn
  description = "Secret with username and password, which RDS rotates."
}

output "security_group_id" {
  value       = aws_security_group.database.id
  description = "Security group of the database."
}

output "final_snapshot" {
  value       = aws_db_instance.airflow.final_snapshot_identifier
  description = "Name of the snapshot that a destroy keeps. Null: it keeps none."
}
