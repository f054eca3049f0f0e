output "name" {
  value       = aws_ecs_cluster.airflow.name
  description = "Name of the cluster."

  # A task can be started only once the cluster has its capacity providers.
  depends_on = [aws_ecs_cluster_capacity_providers.airflow]
}

output "arn" {
  value       = aws_ecs_cluster.airflow.arn
  description = "ARN of the cluster."
}

output "capacity_chain" {
  value       = var.capacity == tolist(["FARGATE"]) ? [] : var.capacity
  description = "The executor's capacity_chain. Empty for FARGATE alone, which launch_type covers."
}
