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
    error_message = "On-Demand alone is launch_type FARGATE, no chain."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.airflow.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "A task may ask for either by itself."
  }

  assert {
    condition     = alltrue([for setting in aws_ecs_cluster.airflow.setting : setting.value == "disabled"])
    error_message = "Container Insights is billed, so it is off unless asked for."
  }

  assert {
    condition     = one(aws_ecs_cluster.airflow.configuration).execute_command_configuration[0].logging == "OVERRIDE"
    error_message = "ECS Exec sessions are on record."
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
    error_message = "The order is the executor's."
  }

  assert {
    condition     = alltrue([for strategy in aws_ecs_cluster_capacity_providers.airflow.default_capacity_provider_strategy : strategy.capacity_provider == "FARGATE_SPOT" && strategy.weight > 0])
    error_message = "The first of the chain is the cluster's default, with a weight."
  }
}

run "no_capacity_and_unknown_insights_are_refused" {
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

run "unknown_capacity_is_refused" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["SPOT"]
  }

  expect_failures = [var.capacity]
}

run "capacity_twice_is_refused" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["FARGATE", "FARGATE"]
  }

  expect_failures = [var.capacity]
}

run "a_weight_is_refused" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    capacity = ["FARGATE_SPOT:0", "FARGATE"]
  }

  expect_failures = [var.capacity]
}
