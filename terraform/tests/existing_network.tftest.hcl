mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  vpc_id     = "vpc-0aaa"
  subnet_ids = ["subnet-0a", "subnet-0b"]
}

run "two_zones_are_taken" {
  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.private["subnet-0a"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  override_data {
    target = data.aws_subnet.private["subnet-0b"]
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1b" }
  }

  assert {
    condition     = output.cidr == "172.31.0.0/16" && length(output.subnet_ids) == 2
    error_message = "The VPC's range and subnets are handed on."
  }
}

run "subnets_of_one_zone_are_refused" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.private
    values = { vpc_id = "vpc-0aaa", availability_zone = "us-east-1a" }
  }

  expect_failures = [output.subnet_ids]
}

run "another_vpc_s_subnet_is_refused" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  override_data {
    target = data.aws_subnet.private
    values = { vpc_id = "vpc-0bbb", availability_zone = "us-east-1a" }
  }

  expect_failures = [data.aws_subnet.private]
}

run "no_subnet_and_what_is_no_vpc_are_refused" {
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

run "what_is_no_subnet_is_refused" {
  command = plan

  module {
    source = "./modules/existing_network"
  }

  variables {
    subnet_ids = ["private-a", "private-b"]
  }

  expect_failures = [var.subnet_ids]
}
