resource "aws_budgets_budget" "deployment" {
  for_each = { for key, budget in { budget = var.budget } : key => budget if budget != null }

  name         = "airflow-fargate-${var.name}"
  budget_type  = "COST"
  limit_amount = tostring(each.value.monthly_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    # Budgets write a tag as user:KEY$VALUE.
    name   = "TagKeyValue"
    values = [join("$", ["user:airflow-fargate", var.name])]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type          = notification.key
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      comparison_operator        = "GREATER_THAN"
      subscriber_email_addresses = each.value.emails
    }
  }

  tags = var.tags
}
