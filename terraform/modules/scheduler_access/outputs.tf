output "policy_arn" {
  value       = aws_iam_policy.scheduler.arn
  description = "Policy for whoever runs the scheduler and the API server."
}

output "policy_json" {
  value       = aws_iam_policy.scheduler.policy
  description = "The policy itself, to be attached by other means."
}

output "triggerer_policy_arn" {
  value       = one([for policy in aws_iam_policy.triggerer : policy.arn])
  description = "Policy for whoever runs the triggerer; null without a log bucket."
}
