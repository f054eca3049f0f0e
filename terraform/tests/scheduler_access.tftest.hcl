mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name             = "airflow"
  cluster_arn      = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
  family           = "airflow-worker"
  passed_role_arns = ["arn:aws:iam::123456789012:role/airflow-task", "arn:aws:iam::123456789012:role/airflow-execution"]
  queue            = { arn = "arn:aws:sqs:us-east-1:123456789012:airflow-task-events", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/queue" }
  payloads         = { bucket_arn = "arn:aws:s3:::payloads", prefix = "workloads", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/payloads" }
  logs             = { bucket_arn = "arn:aws:s3:::logs", prefix = "logs", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/logs" }
  log_group_arn    = "arn:aws:logs:us-east-1:123456789012:log-group:/airflow-fargate/airflow/worker"
  repository_arn   = "arn:aws:ecr:us-east-1:123456789012:repository/airflow/worker"
  role_names       = ["airflow-scheduler"]

  api_server_role_names = ["airflow-api"]
  triggerer_role_names  = ["airflow-triggerer"]
}

run "every_permission_is_as_narrow_as_aws_allows" {
  module {
    source = "./modules/scheduler_access"
  }

  assert {
    condition = anytrue([for statement in jsondecode(output.policy_json).Statement :
      statement.Action == "ecs:RunTask" && toset(statement.Resource) == toset(["arn:aws:ecs:us-east-1:123456789012:task-definition/airflow-worker", "arn:aws:ecs:us-east-1:123456789012:task-definition/airflow-worker:*"]) && statement.Condition.ArnEquals["ecs:cluster"] == var.cluster_arn
    if statement.Sid == "LaunchOurDefinition"])
    error_message = "RunTask must be restricted to this family and this cluster."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(output.policy_json).Statement : statement.Condition.StringEquals["iam:PassedToService"] == "ecs-tasks.amazonaws.com" if strcontains(jsonencode(statement.Action), "iam:")])
    error_message = "Roles may only be passed to ECS tasks."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(output.policy_json).Statement : contains(["FindTasksAfterARestart", "DoctorLooksAround"], statement.Sid) if contains(flatten([statement.Resource]), "*")])
    error_message = "Only calls without a resource may have the resource *."
  }

  assert {
    condition     = !strcontains(output.policy_json, ":*\"],\"Effect") && !anytrue([for statement in jsondecode(output.policy_json).Statement : anytrue([for action in flatten([statement.Action]) : strcontains(action, "*")])])
    error_message = "Every action must be named."
  }

  assert {
    condition = { for statement in jsondecode(output.policy_json).Statement : statement.Sid => "${statement.Condition.StringEquals["kms:ViaService"]} ${join(" ", flatten([statement.Action]))} ${statement.Resource}" if strcontains(jsonencode(statement.Action), "\"kms:") } == {
      KeyOfPayloads   = "s3.us-east-1.amazonaws.com kms:GenerateDataKey kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/payloads"
      KeyOfTaskEvents = "sqs.us-east-1.amazonaws.com kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/queue"
    }
    error_message = "Payloads and events each have their own key, through their own service: ${output.policy_json}"
  }

  assert {
    condition = { for statement in jsondecode(output.policy_json).Statement : statement.Sid => jsonencode([statement.Action, statement.Resource]) if strcontains(jsonencode(statement.Action), "\"s3:") } == {
      HandWorkloadsOver = jsonencode([["s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::payloads/workloads/*"])
      WriteOwnStatus    = jsonencode(["s3:PutObject", "arn:aws:s3:::payloads/status/*"])
      AskForFates       = jsonencode(["s3:GetObject", ["arn:aws:s3:::payloads/launches/*", "arn:aws:s3:::payloads/standby/*"]])
      TakeOffersBack    = jsonencode(["s3:PutObject", "arn:aws:s3:::payloads/standby/*/answer"])
    }
    error_message = "Without standbys the scheduler only settles offers that were made before: ${output.policy_json}"
  }

  assert {
    condition     = aws_iam_role_policy_attachment.scheduler["airflow-scheduler"].policy_arn == output.policy_arn
    error_message = "The given role must have the policy."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.reader.policy).Statement : statement.Sid => [statement.Action, statement.Resource]
      } == {
      ShowTheLogOfARunningTask = ["logs:GetLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/airflow-fargate/airflow/worker:log-stream:*"]
      FindARunningTask         = ["ecs:ListTasks", "*"]
      DescribeARunningTask     = ["ecs:DescribeTasks", "arn:aws:ecs:us-east-1:123456789012:task/airflow/*"]
      ShowTaskLogs             = ["s3:GetObject", "arn:aws:s3:::logs/logs/*"]
      FindTaskLogs             = ["s3:ListBucket", "arn:aws:s3:::logs"]
      KeyOfLogs                = ["kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/logs"]
      ReadStatus               = ["s3:GetObject", "arn:aws:s3:::payloads/status/*"]
      FindStatus               = ["s3:ListBucket", "arn:aws:s3:::payloads"]
      KeyOfStatus              = ["kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/payloads"]
    }
    error_message = "The API server reads task logs and the schedulers' status, and does nothing else: ${aws_iam_policy.reader.policy}"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.reader.policy).Statement : statement.Condition if statement.Sid == "FindStatus"] == [{ StringLike = { "s3:prefix" = "status/*" } }]
    error_message = "The API server may list no workloads: ${aws_iam_policy.reader.policy}"
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.reader) == ["airflow-api", "airflow-scheduler"] && keys(aws_iam_role_policy_attachment.scheduler) == ["airflow-scheduler"]
    error_message = "A role of the scheduler may run the API server too; a role of the API server alone may launch nothing."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.triggerer["triggerer"].policy).Statement : statement.Sid => [flatten([statement.Action]), statement.Resource]
      } == {
      WriteLogs             = [["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::logs/logs/*"]
      SeeThatALogIsNotThere = [["s3:ListBucket"], "arn:aws:s3:::logs"]
      KeyOfLogs             = [["kms:Decrypt", "kms:GenerateDataKey"], "arn:aws:kms:us-east-1:123456789012:key/logs"]
    }
    error_message = "The triggerer writes logs and does nothing else: ${aws_iam_policy.triggerer["triggerer"].policy}"
  }

  assert {
    condition     = aws_iam_role_policy_attachment.triggerer["airflow-triggerer"].policy_arn == output.triggerer_policy_arn
    error_message = "The triggerer's role must have its policy."
  }
}

run "with_standbys_the_scheduler_writes_offers_and_tags_only_standbys" {
  module {
    source = "./modules/scheduler_access"
  }

  variables {
    standby = true
  }

  assert {
    condition     = [for statement in jsondecode(output.policy_json).Statement : statement.Resource if statement.Sid == "OfferWorkloadsToStandbys"] == [["arn:aws:s3:::payloads/launches/*", "arn:aws:s3:::payloads/standby/*/offer"]]
    error_message = "Offers and fates must be writable: ${output.policy_json}"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy_json).Statement : statement.Condition.StringLike["aws:ResourceTag/airflow-fargate:standby"] if statement.Sid == "TagStandbys"] == ["?*"]
    error_message = "Only standbys may be tagged: ${output.policy_json}"
  }
}

run "absent_queue_and_buckets_are_not_in_the_policies" {
  module {
    source = "./modules/scheduler_access"
  }

  variables {
    queue          = null
    repository_arn = null
    payloads       = null
    logs           = null
  }

  assert {
    condition     = !anytrue([for word in ["sqs:", "s3:", "kms:", "ecr:"] : strcontains("${output.policy_json}${aws_iam_policy.reader.policy}", word)])
    error_message = "Without a queue and buckets the policies must not mention them."
  }

  assert {
    condition     = output.triggerer_policy_arn == null
    error_message = "Without a log bucket there is nothing for the triggerer to write."
  }
}

run "in_china_keys_are_used_through_services_of_china" {
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "cn-north-1" }
  }

  module {
    source = "./modules/scheduler_access"
  }

  assert {
    condition     = { for statement in jsondecode(output.policy_json).Statement : statement.Sid => statement.Condition.StringEquals["kms:ViaService"] if strcontains(jsonencode(statement.Action), "\"kms:") } == { KeyOfPayloads = "s3.cn-north-1.amazonaws.com.cn", KeyOfTaskEvents = "sqs.cn-north-1.amazonaws.com.cn" }
    error_message = "kms:ViaService has China's domain: ${output.policy_json}"
  }
}
