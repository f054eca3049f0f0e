output "dashboard_url" {
  value       = local.console == null ? null : "https://${local.console}/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.deployment.dashboard_name}"
  description = "The dashboard's page."
}

output "alarm_names" {
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.watch : alarm.alarm_name])
  description = "Names of the alarms."
}

output "event_log_group_name" {
  value       = aws_cloudwatch_log_group.events.name
  description = "Log of all task events."
}
