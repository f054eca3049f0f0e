mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  vpc_id     = "vpc-0aaa"
  subnet_ids = ["subnet-0a", "subnet-0b"]
}

run "subnets_in_two_zones_are_accepted" {
  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.tasks["0"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  override_data {
    target = data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  assert {
    condition     = jsonencode(output.cidrs) == jsonencode(["172.31.0.0/16"]) && !output.assign_public_ip && length(output.subnet_ids) == 2
    error_message = "The outputs must have the VPC's range and subnets."
  }
}

run "subnets_of_one_zone_are_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.tasks
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  expect_failures = [output.subnet_ids]
}

run "a_subnet_of_another_vpc_is_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.tasks
    values = { vpc_id = "vpc-0bbb", availability_zone = "us-east-1a" }
  }

  expect_failures = [data.aws_subnet.tasks]
}

run "no_subnets_and_an_invalid_vpc_id_are_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  variables {
    subnet_ids = []
    vpc_id     = "production"
  }

  expect_failures = [var.subnet_ids, var.vpc_id]
}

run "an_invalid_subnet_id_is_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  variables {
    subnet_ids = ["private-a", "private-b"]
  }

  expect_failures = [var.subnet_ids]
}

run "secondary_ranges_of_the_vpc_count" {
  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_vpc.network
    values = {
      cidr_block = "172.31.0.0/16"
      cidr_block_associations = [
        { association_id = "a", cidr_block = "172.31.0.0/16", state = "associated" },
        { association_id = "b", cidr_block = "100.64.0.0/16", state = "associated" },
        { association_id = "c", cidr_block = "100.65.0.0/16", state = "disassociated" },
      ]
    }
  }

  override_data {
    target = data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  assert {
    condition     = jsonencode(output.cidrs) == jsonencode(["172.31.0.0/16", "100.64.0.0/16"])
    error_message = "Every associated range: ${jsonencode(output.cidrs)}"
  }
}

run "a_public_subnet_without_public_addresses_is_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  override_data {
    target = data.aws_route_tables.main
    values = { ids = ["rtb-0main"] }
  }

  override_data {
    target = data.aws_route_tables.public
    values = { ids = ["rtb-0main"] }
  }

  override_data {
    target = data.aws_route_tables.subnet["0"]
    values = { ids = ["rtb-0nat"] }
  }

  expect_failures = [output.subnet_ids]
}

run "a_public_subnet_with_public_addresses_is_accepted" {
  module {
    source = "./modules/existing_network"
  }

  variables {
    assign_public_ip = true
  }

  override_data {
    target = data.aws_subnet.tasks["1"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  override_data {
    target = data.aws_route_tables.main
    values = { ids = ["rtb-0main"] }
  }

  override_data {
    target = data.aws_route_tables.public
    values = { ids = ["rtb-0main"] }
  }

  override_data {
    target = data.aws_route_tables.subnet["0"]
    values = { ids = ["rtb-0nat"] }
  }

  assert {
    condition     = output.assign_public_ip && length(local.public) == 1
    error_message = "The second subnet uses the main table, which leads to the internet gateway: ${jsonencode(local.public)}"
  }
}

run "a_subnet_in_a_zone_without_fargate_is_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "ap-northeast-1" }
  }

  override_data {
    target = data.aws_subnet.tasks
    values = { vpc_id = "vpc-0aaa", availability_zone = "ap-northeast-1b", availability_zone_id = "apne1-az3" }
  }

  expect_failures = [data.aws_subnet.tasks]
}

run "a_duplicate_subnet_is_rejected" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  variables {
    subnet_ids = ["subnet-0a", "subnet-0a"]
  }

  expect_failures = [var.subnet_ids]
}
