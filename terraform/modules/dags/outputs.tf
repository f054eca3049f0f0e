output "bundle_config" {
  value       = local.bundle_config
  description = "Value of [dag_processor] dag_bundle_config_list, in JSON."

  precondition {
    condition     = (var.source_kind == "git") == (var.git != null)
    error_message = "DAGs come from '${var.source_kind}': git must be set for git, and for nothing else."
  }
}

output "bucket" {
  value       = one([for bucket in module.bucket : bucket.name])
  description = "Bucket of the DAGs. Null unless they come from S3."
}

output "policy_arns" {
  value       = { for key, policy in aws_iam_policy.reader : key => policy.arn }
  description = "Policy that reads the bucket, as a map for a role's attachments; empty unless DAGs come from S3."
}
