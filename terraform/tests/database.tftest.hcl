mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "airflow"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0a", "subnet-0b"]
  client_security_group_ids = { api = "sg-0aaa", scheduler = "sg-0bbb" }
  kms_key_arn               = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "the_database_is_private_and_terraform_never_has_its_password" {
  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_db_instance.airflow.manage_master_user_password && aws_db_instance.airflow.password == null && !aws_db_instance.airflow.publicly_accessible && aws_db_instance.airflow.storage_encrypted
    error_message = "RDS must keep the password, and the instance must be private and encrypted."
  }

  assert {
    condition     = { for name, rule in aws_vpc_security_group_ingress_rule.component : name => "${rule.referenced_security_group_id} ${rule.from_port}-${rule.to_port}" } == { api = "sg-0aaa 5432-5432", scheduler = "sg-0bbb 5432-5432" }
    error_message = "Only the named groups may connect, and only to PostgreSQL's port."
  }

  # The deployment's key is deleted with the deployment; the snapshot must outlive both.
  assert {
    condition     = can(regex("^airflow-airflow-[0-9]{8}-[0-9]{6}$", output.final_snapshot)) && !aws_db_instance.airflow.skip_final_snapshot
    error_message = "A destroy must keep a snapshot with a name of its own: ${output.final_snapshot}"
  }
}

run "without_a_final_snapshot_there_is_no_name_for_one" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    final_snapshot = false
  }

  assert {
    condition     = aws_db_instance.airflow.skip_final_snapshot && aws_db_instance.airflow.final_snapshot_identifier == null
    error_message = "No snapshot was asked for."
  }
}

run "wrong_inputs_are_rejected" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    instance_class = "t4g.micro"
    storage_gib    = 5
    backup_days    = 0
  }

  expect_failures = [var.instance_class, var.storage_gib, var.backup_days]
}
