mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "two_zones_share_one_nat_gateway" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = join(" ", keys(aws_subnet.tasks)) == join(" ", ["us-east-1a", "us-east-1b"])
    error_message = "The default must be the region's first two zones."
  }

  assert {
    condition     = [for zone, subnet in aws_subnet.tasks : subnet.cidr_block] == ["10.0.0.0/19", "10.0.32.0/19"]
    error_message = "Each zone gets an eighth of the VPC."
  }

  assert {
    condition     = join(" ", keys(aws_nat_gateway.zone)) == join(" ", ["us-east-1a"]) && length(aws_route.nat) == 2
    error_message = "One NAT gateway serves both zones."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.tasks), values(aws_subnet.public)) : !subnet.map_public_ip_on_launch])
    error_message = "No subnet may assign public addresses."
  }

  assert {
    condition     = length(aws_vpc_endpoint.service) == 0 && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "Behind NAT there must be only the free endpoint."
  }

  assert {
    condition     = aws_flow_log.network["flow"].traffic_type == "ALL" && length(output.subnet_ids) == 2
    error_message = "All traffic must be logged, and tasks must have two subnets."
  }
}

run "a_nat_gateway_per_zone" {
  module {
    source = "./modules/network"
  }

  variables {
    zones = ["us-east-1a", "us-east-1b", "us-east-1d"]
    nat   = "per_zone"
  }

  assert {
    condition     = keys(aws_nat_gateway.zone) == keys(aws_subnet.tasks)
    error_message = "Every zone has its own."
  }
}

run "without_nat_there_are_endpoints_and_no_internet" {
  module {
    source = "./modules/network"
  }

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_internet_gateway.nat) + length(aws_nat_gateway.zone) + length(aws_subnet.public) + length(aws_eip.nat) == 0
    error_message = "There must be no internet gateway and no public subnet."
  }

  assert {
    condition     = join(" ", keys(aws_vpc_endpoint.service)) == join(" ", ["ecr.api", "ecr.dkr", "logs"])
    error_message = "What a task needs to start has an endpoint."
  }

  assert {
    condition     = output.https.cidrs[0] == "10.0.0.0/16" && length(output.https.cidrs) == 1 && join(" ", keys(output.https.prefix_lists)) == join(" ", ["s3"])
    error_message = "HTTPS leads to the endpoints and to S3 only."
  }
}

run "outside_china_endpoint_services_are_named_by_region" {
  module {
    source = "./modules/network"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "us-gov-west-1" }
  }

  variables {
    nat = "none"
  }

  assert {
    condition     = aws_vpc_endpoint.service["logs"].service_name == "com.amazonaws.us-gov-west-1.logs" && length(data.aws_vpc_endpoint_service.china) == 0
    error_message = "GovCloud's names are as in the public regions, and AWS must not be asked."
  }
}

run "endpoints_can_be_added_behind_nat" {
  module {
    source = "./modules/network"
  }

  variables {
    endpoints = ["secretsmanager"]
  }

  assert {
    condition     = join(" ", keys(aws_vpc_endpoint.service)) == join(" ", ["secretsmanager"]) && length(aws_security_group.endpoints) == 1
    error_message = "The chosen endpoint must exist, with its security group."
  }
}

run "six_zones_fit_into_the_smallest_vpc" {
  module {
    source = "./modules/network"
  }

  variables {
    cidr  = "10.9.4.0/22"
    zones = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f"]
    nat   = "per_zone"
  }

  assert {
    condition     = length(distinct(concat(values(aws_subnet.tasks)[*].cidr_block, values(aws_subnet.public)[*].cidr_block))) == 12
    error_message = "Six zones must fit into the smallest VPC without overlap."
  }
}

run "without_nat_the_needed_endpoints_are_added_to_the_chosen_ones" {
  module {
    source = "./modules/network"
  }

  variables {
    nat              = "none"
    needed_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
    endpoints        = ["sts"]
  }

  assert {
    condition     = join(" ", keys(aws_vpc_endpoint.service)) == "ecr.api ecr.dkr logs secretsmanager sts"
    error_message = "The caller's list must be added to the needed endpoints: ${join(" ", keys(aws_vpc_endpoint.service))}"
  }
}

run "nat_public_has_no_nat_gateway_and_tasks_use_the_internet_gateway" {
  module {
    source = "./modules/network"
  }

  variables {
    nat = "public"
  }

  assert {
    condition     = length(aws_nat_gateway.zone) + length(aws_eip.nat) + length(aws_subnet.public) + length(aws_vpc_endpoint.service) == 0
    error_message = "Nothing that costs by the hour is made."
  }

  assert {
    condition     = output.assign_public_ip && length(aws_route.nat) == 2 && alltrue([for route in aws_route.nat : route.gateway_id == aws_internet_gateway.nat["internet"].id])
    error_message = "Each zone's table leads to the internet gateway, and tasks need public addresses."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.tasks : !subnet.map_public_ip_on_launch])
    error_message = "Only tasks may get public addresses."
  }
}

run "the_flow_log_can_be_left_out" {
  module {
    source = "./modules/network"
  }

  variables {
    flow_log = false
  }

  assert {
    condition     = length(aws_flow_log.network) + length(aws_iam_role.flow) + length(aws_cloudwatch_log_group.flow) == 0
    error_message = "There must be neither log nor role."
  }
}

run "zones_without_fargate_are_skipped" {
  module {
    source = "./modules/network"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "ap-northeast-1" }
  }

  override_data {
    target = data.aws_availability_zones.all
    values = {
      names    = ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"]
      zone_ids = ["apne1-az3", "apne1-az4", "apne1-az1"]
    }
  }

  assert {
    condition     = join(" ", keys(aws_subnet.tasks)) == "ap-northeast-1c ap-northeast-1d"
    error_message = "The zone with the id apne1-az3 has no Fargate: ${join(" ", keys(aws_subnet.tasks))}"
  }
}

run "zones_do_not_depend_on_their_state" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = data.aws_availability_zones.all.state == null
    error_message = "A zone that leaves the state available must not replace subnets."
  }
}

run "a_zone_without_fargate_or_an_unknown_one_is_rejected" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones = ["us-east-1a", "us-east-1z"]
  }

  expect_failures = [aws_vpc.network]
}

run "a_region_with_one_zone_is_rejected" {
  command = plan

  module {
    source = "./modules/network"
  }

  override_data {
    target = data.aws_availability_zones.all
    values = { names = ["us-east-1a"], zone_ids = ["use1-az1"] }
  }

  expect_failures = [aws_vpc.network]
}

run "in_china_aws_is_asked_for_the_names_of_endpoint_services" {
  module {
    source = "./modules/network"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "cn-northwest-1" }
  }

  override_data {
    target = data.aws_vpc_endpoint_service.china["ecr.api"]
    values = { service_name = "cn.com.amazonaws.cn-northwest-1.ecr.api" }
  }

  variables {
    nat = "none"
  }

  assert {
    condition     = aws_vpc_endpoint.service["ecr.api"].service_name == "cn.com.amazonaws.cn-northwest-1.ecr.api"
    error_message = "The name is AWS's: ${aws_vpc_endpoint.service["ecr.api"].service_name}"
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones     = ["us-east-1a"]
    cidr      = "10.0.0.0/24"
    nat       = "double"
    endpoints = ["s3"]
  }

  expect_failures = [var.zones, var.cidr, var.nat, var.endpoints]
}

run "a_duplicate_zone_and_an_invalid_range_are_rejected" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones = ["us-east-1a", "us-east-1a"]
    cidr  = "10.0.0.256/16"
  }

  expect_failures = [var.zones, var.cidr]
}
