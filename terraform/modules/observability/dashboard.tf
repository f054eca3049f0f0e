data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  region = data.aws_region.current.id

  # The consoles of other partitions are not public.
  console = lookup({
    aws        = "${local.region}.console.aws.amazon.com"
    aws-us-gov = "console.amazonaws-us-gov.com"
    aws-cn     = "console.amazonaws.cn"
  }, data.aws_partition.current.partition, null)

  # Container Insights writes a line per task and minute, with what the task has reserved and when it began.
  insights = "SOURCE '/aws/ecs/containerinsights/${var.cluster.name}/performance' | filter Type = \"Task\" and TaskDefinitionFamily = \"${var.family}\""

  graphs = [
    {
      title   = "Launches"
      stat    = "Sum"
      metrics = [for name in ["launches", "starts", "ends", "failed_launches"] : [local.namespace, name]]
    },
    {
      title   = "What went wrong"
      stat    = "Sum"
      metrics = [for name in ["failed_launches", "spot_interruptions", "killed_for_memory", "infrastructure_lost"] : [local.namespace, name]]
    },
    {
      title   = "Running tasks"
      stat    = "Maximum"
      metrics = [["ECS/ContainerInsights", "TaskCount", "ClusterName", var.cluster.name]]
    },
    {
      title = "Age of the oldest task event, seconds"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queues.events],
      ]
    },
    {
      title = "Task events waiting, and dead letters"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues.events],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues.dead_letter],
      ]
    },
    {
      title = "EventBridge: delivered, failed, throttled"
      stat  = "Sum"
      metrics = [
        for name in ["Invocations", "FailedInvocations", "ThrottledRules"] : ["AWS/Events", name, "RuleName", var.rule_name]
      ]
    },
    {
      # No metric of AWS's counts what RunTask refused. The executor does (StatsD, docs/operations.md); the
      # CloudWatch agent brings it here, with dots or underscores in the name. Without the agent this stays empty.
      title = "RunTask calls refused for their rate (Airflow's StatsD through the CloudWatch agent)"
      stat  = "Sum"
      metrics = [
        [{ id = "throttles", label = "throttles", expression = "SUM(SEARCH('MetricName=(\"airflow.fargate.throttles\" OR \"airflow_fargate_throttles\")', 'Sum', 60))" }],
      ]
    },
    {
      # What Fargate's own launch quota is counted in, for the whole account.
      title = "Fargate vCPUs in use in this account: On-Demand and Spot"
      stat  = "Maximum"
      metrics = [
        for class in ["Standard/OnDemand", "Standard/Spot"] : ["AWS/Usage", "ResourceCount", "Type", "Resource", "Resource", "vCPU", "Service", "Fargate", "Class", class]
      ]
    },
    {
      title = "CPU units: reserved and used"
      stat  = "Sum"
      metrics = [
        for name in ["CpuReserved", "CpuUtilized"] : ["ECS/ContainerInsights", name, "ClusterName", var.cluster.name, "TaskDefinitionFamily", var.family]
      ]
    },
    {
      title = "Memory, MB: reserved and used"
      stat  = "Sum"
      metrics = [
        for name in ["MemoryReserved", "MemoryUtilized"] : ["ECS/ContainerInsights", name, "ClusterName", var.cluster.name, "TaskDefinitionFamily", var.family]
      ]
    },
  ]

  queries = [
    {
      title = "Cost per hour, USD (estimate: On-Demand prices, whole minutes)"
      view  = "timeSeries"
      query = "${local.insights} | stats sum(CpuReserved) / 1024 / 60 * ${var.price_vcpu_hour} + sum(MemoryReserved) / 1024 / 60 * ${var.price_gb_hour} as usd by bin(1h)"
    },
    {
      title = "Start: seconds from creation to running, by pull"
      view  = "table"
      query = "${local.insights} | stats min(StartedAt - CreatedAt) / 1000 as start, min(PullStoppedAt - PullStartedAt) / 1000 as pull by TaskId | stats pct(start, 50) as start_median, pct(start, 95) as start_p95, pct(pull, 50) as pull_median, pct(pull, 95) as pull_p95"
    },
    {
      title = "Longest running tasks, seconds"
      view  = "table"
      query = "${local.insights} | stats (max(Timestamp) - min(StartedAt)) / 1000 as seconds, max(MemoryUtilized) as memory_mb, max(MemoryReserved) as reserved_mb by TaskId | sort seconds desc | limit 20"
    },
    {
      title = "Why tasks stopped"
      view  = "table"
      query = "SOURCE '${aws_cloudwatch_log_group.events.name}' | filter detail.lastStatus = \"STOPPED\" | stats count(*) as tasks by detail.stopCode, detail.stoppedReason | sort tasks desc | limit 20"
    },
  ]

  widgets = concat(
    [for position, graph in local.graphs : {
      type   = "metric"
      x      = position % 2 * 12
      y      = floor(position / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = graph.title
        region  = local.region
        view    = "timeSeries"
        period  = 60
        stat    = graph.stat
        metrics = graph.metrics
      }
    }],
    [for position, query in local.queries : {
      type   = "log"
      x      = position % 2 * 12
      y      = floor((position + length(local.graphs)) / 2) * 6
      width  = 12
      height = 6
      properties = {
        title  = query.title
        region = local.region
        view   = query.view
        query  = query.query
      }
    }],
  )
}

resource "aws_cloudwatch_dashboard" "deployment" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = local.widgets })
}
