mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  cluster     = { name = "airflow", arn = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow" }
  family      = "airflow-worker"
  queues      = { events = "airflow-task-events", dead_letter = "airflow-task-events-dead-letter" }
  rule_name   = "airflow-task-events"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "four_alarms_exist_and_widgets_do_not_overlap" {
  module {
    source = "./modules/observability"
  }

  variables {
    alarm_sns_topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall"
    price_vcpu_hour     = 0.03238
  }

  assert {
    condition = alltrue([
      for word in ["launches", "failed_launches", "ApproximateAgeOfOldestMessage", "fargate.throttles", "seconds from creation to running", "Longest running", "Cost per hour", "vCPU"] :
      strcontains(aws_cloudwatch_dashboard.deployment.dashboard_body, word)
    ])
    error_message = "The dashboard shows launches, queue age, throttles, durations and cost."
  }

  assert {
    condition     = output.alarm_names == tolist(["airflow-dead-letters", "airflow-failed-launches", "airflow-queue-age", "airflow-undelivered-events"])
    error_message = "There must be four alarms: ${jsonencode(output.alarm_names)}"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.watch : contains(alarm.alarm_actions, "arn:aws:sns:us-east-1:123456789012:oncall") && contains(alarm.ok_actions, "arn:aws:sns:us-east-1:123456789012:oncall")])
    error_message = "Every alarm must notify the topic, also when it ends."
  }

  assert {
    condition     = contains(keys(aws_cloudwatch_log_metric_filter.events), aws_cloudwatch_metric_alarm.watch["failed-launches"].metric_name)
    error_message = "The alarm must watch a metric that is written."
  }

  assert {
    condition     = length(aws_budgets_budget.deployment) == 0
    error_message = "There must be no budget by default."
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.deployment.dashboard_body).widgets : "${widget.x} ${widget.y}"])) == length(jsondecode(aws_cloudwatch_dashboard.deployment.dashboard_body).widgets)
    error_message = "Two widgets overlap."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.deployment.dashboard_body, "0.03238") && strcontains(aws_cloudwatch_dashboard.deployment.dashboard_body, "0.004445")
    error_message = "The estimate must use the price given, and the default for the other."
  }
}

run "without_a_topic_alarms_only_show_and_the_budget_filters_by_tag" {
  module {
    source = "./modules/observability"
  }

  variables {
    budget = { monthly_usd = 100, emails = ["data@example.org"] }
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.watch : length(coalesce(alarm.alarm_actions, [])) == 0])
    error_message = "Without a topic there must be no action."
  }

  assert {
    condition     = contains([for filter in aws_budgets_budget.deployment["budget"].cost_filter : filter.values[0]], "user:airflow-fargate$airflow")
    error_message = "The budget must only count this deployment."
  }
}

run "a_budget_without_recipients_and_an_invalid_topic_are_rejected" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    budget              = { monthly_usd = 100, emails = [] }
    alarm_sns_topic_arn = "oncall@example.org"
  }

  expect_failures = [var.budget, var.alarm_sns_topic_arn]
}

run "an_alarm_threshold_of_zero_is_rejected" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    alarm_queue_age_seconds = 0
    alarm_failed_launches   = 0
    budget                  = { monthly_usd = 100, emails = ["on call"] }
  }

  expect_failures = [var.alarm_queue_age_seconds, var.alarm_failed_launches, var.budget]
}

run "one_log_policy_can_serve_many_deployments" {
  module {
    source = "./modules/observability"
  }

  variables {
    own_log_policy = false
  }

  assert {
    condition     = length(aws_cloudwatch_log_resource_policy.events) == 0 && output.event_log_group_name == "/aws/events/airflow-fargate/airflow"
    error_message = "AWS allows ten such policies in a region; the log's name fits one for /aws/events/airflow-fargate/*."
  }
}

run "the_dashboard_s_link_follows_the_partition" {
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "us-gov-west-1" }
  }

  module {
    source = "./modules/observability"
  }

  assert {
    condition     = output.dashboard_url == "https://console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#dashboards/dashboard/airflow"
    error_message = "GovCloud has a console of its own: ${output.dashboard_url}"
  }
}
