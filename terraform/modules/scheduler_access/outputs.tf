output "policy_arn" {
  value       = aws_iam_policy.scheduler.arn
  description = "Policy for the role that runs the scheduler."
}

output "policy_json" {
  value       = aws_iam_policy.scheduler.policy
  description = "The scheduler's policy as JSON, to attach it by other means."
}

output "reader_policy_arn" {
  value       = aws_iam_policy.reader.arn
  description = "Policy for the role that runs the API server: it reads task logs and the schedulers' status, and does nothing else."
}

output "triggerer_policy_arn" {
  value       = one([for policy in aws_iam_policy.triggerer : policy.arn])
  description = "Policy for the role that runs the triggerer. Null without a log bucket."
}
