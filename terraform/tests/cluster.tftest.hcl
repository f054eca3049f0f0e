mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "on_demand_by_default" {
  module {
    source = "./modules/cluster"
  }

  assert {
    condition     = length(output.capacity_chain) == 0
    error_message = "For FARGATE alone there must be no capacity chain."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.airflow.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Both capacity providers must be attached."
  }

  assert {
    condition     = alltrue([for setting in aws_ecs_cluster.airflow.setting : setting.value == "disabled"])
    error_message = "Container Insights must be off by default, because it is billed."
  }

  assert {
    condition     = one(aws_ecs_cluster.airflow.configuration).execute_command_configuration[0].logging == "OVERRIDE"
    error_message = "ECS Exec sessions must be logged."
  }
}

run "spot_first" {
  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["FARGATE_SPOT", "FARGATE"]
  }

  assert {
    condition     = output.capacity_chain == tolist(["FARGATE_SPOT", "FARGATE"])
    error_message = "The chain must keep the order."
  }

  assert {
    condition     = alltrue([for strategy in aws_ecs_cluster_capacity_providers.airflow.default_capacity_provider_strategy : strategy.capacity_provider == "FARGATE_SPOT" && strategy.weight > 0])
    error_message = "The first of the chain is the cluster's default, with a weight."
  }
}

run "no_capacity_and_an_unknown_mode_of_container_insights_are_rejected" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity           = []
    container_insights = "on"
  }

  expect_failures = [var.capacity, var.container_insights]
}

run "unknown_capacity_is_rejected" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["SPOT"]
  }

  expect_failures = [var.capacity]
}

run "a_duplicate_capacity_provider_is_rejected" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["FARGATE", "FARGATE"]
  }

  expect_failures = [var.capacity]
}

run "a_weight_is_rejected" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["FARGATE_SPOT:0", "FARGATE"]
  }

  expect_failures = [var.capacity]
}
