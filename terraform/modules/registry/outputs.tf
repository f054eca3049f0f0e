output "repository_url" {
  value       = aws_ecr_repository.worker.repository_url
  description = "Repository to push the image to, without a tag."
}

output "repository_arn" {
  value       = aws_ecr_repository.worker.arn
  description = "ARN of the repository."
}

output "registry" {
  value       = split("/", aws_ecr_repository.worker.repository_url)[0]
  description = "Host name of the registry, for docker login."
}
