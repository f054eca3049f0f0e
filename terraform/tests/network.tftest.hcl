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
    condition     = join(" ", keys(aws_subnet.private)) == join(" ", ["us-east-1a", "us-east-1b"])
    error_message = "Without zones, the first two of the region are taken."
  }

  assert {
    condition     = [for zone, subnet in aws_subnet.private : subnet.cidr_block] == ["10.0.0.0/19", "10.0.32.0/19"]
    error_message = "Each zone gets an eighth of the VPC."
  }

  assert {
    condition     = join(" ", keys(aws_nat_gateway.zone)) == join(" ", ["us-east-1a"]) && length(aws_route.nat) == 2
    error_message = "One NAT gateway serves both zones."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : !subnet.map_public_ip_on_launch])
    error_message = "No subnet hands out public addresses."
  }

  assert {
    condition     = length(aws_vpc_endpoint.service) == 0 && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
    error_message = "Behind NAT only the free endpoint stands."
  }

  assert {
    condition     = aws_flow_log.network.traffic_type == "ALL" && length(output.subnet_ids) == 2
    error_message = "All traffic is on record, and tasks have two subnets."
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
    condition     = keys(aws_nat_gateway.zone) == keys(aws_subnet.private)
    error_message = "Every zone has its own."
  }
}

run "no_nat_means_endpoints_and_no_internet" {
  module {
    source = "./modules/network"
  }

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_internet_gateway.nat) + length(aws_nat_gateway.zone) + length(aws_subnet.public) + length(aws_eip.nat) == 0
    error_message = "Nothing of the internet's side is made."
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

run "endpoints_can_be_added_behind_nat" {
  module {
    source = "./modules/network"
  }

  variables {
    endpoints = ["secretsmanager"]
  }

  assert {
    condition     = join(" ", keys(aws_vpc_endpoint.service)) == join(" ", ["secretsmanager"]) && length(aws_security_group.endpoints) == 1
    error_message = "A chosen endpoint stands, with its security group."
  }
}

run "smallest_vpc_fits" {
  module {
    source = "./modules/network"
  }

  variables {
    cidr  = "10.9.4.0/22"
    zones = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f"]
    nat   = "per_zone"
  }

  assert {
    condition     = length(distinct(concat(values(aws_subnet.private)[*].cidr_block, values(aws_subnet.public)[*].cidr_block))) == 12
    error_message = "Six zones must fit into the smallest VPC without overlap."
  }
}

run "wrong_inputs_are_refused" {
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

run "a_zone_twice_and_what_is_no_range_are_refused" {
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
