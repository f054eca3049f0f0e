mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name   = "airflow"
  vpc_id = "vpc-0123456789abcdef0"
}

run "tasks_find_the_api_server_by_a_name_that_is_known_before_it_exists" {
  command = plan

  module {
    source = "./modules/discovery"
  }

  assert {
    condition     = output.execution_url == "http://api.${aws_service_discovery_private_dns_namespace.airflow.name}:8080/execution/" && aws_service_discovery_service.api.name == "api"
    error_message = "The address must be the Cloud Map name: ${output.execution_url}"
  }

  assert {
    condition     = aws_service_discovery_service.api.dns_config[0].dns_records[0].ttl == 10 && aws_service_discovery_service.api.dns_config[0].dns_records[0].type == "A"
    error_message = "A replaced API server must be found within seconds."
  }
}

run "each_component_has_a_security_group_of_its_own" {
  module {
    source = "./modules/discovery"
  }

  assert {
    condition     = keys(output.security_group_ids) == ["api", "dag-processor", "scheduler", "triggerer"]
    error_message = "Groups: ${jsonencode(output.security_group_ids)}"
  }
}
