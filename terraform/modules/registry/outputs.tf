output "repository_url" {
  value       = aws_ecr_repository.worker.repository_url
  description = "Address to push the worker image to, without tag."
}

output "repository_arn" {
  value       = aws_ecr_repository.worker.arn
  description = "ARN of the repository."
}

output "registry" {
  value       = split("/", aws_ecr_repository.worker.repository_url)[0]
  description = "Host of the registry, for docker login."
}
