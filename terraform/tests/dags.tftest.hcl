mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "a_bucket_is_the_default_and_no_connection_of_the_users_is_borrowed" {
  module {
    source = "./modules/dags"
  }

  assert {
    condition = jsondecode(output.bundle_config) == [{
      name      = "dags"
      classpath = "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
      kwargs    = { bucket_name = "airflow-dags-123456789012-us-east-1", aws_conn_id = null }
    }]
    error_message = "The bundle must name the bucket and no connection: ${output.bundle_config}"
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_policy.reader["dags"].policy).Statement : statement.Action])) == toset(["s3:ListBucket", "s3:GetObject", "kms:Decrypt"]) && keys(output.policy_arns) == ["dags"]
    error_message = "DAGs are only read: ${aws_iam_policy.reader["dags"].policy}"
  }

  assert {
    condition     = jsonencode(module.bucket["dags"].retention) == jsonencode({ expiration_days = null, noncurrent_days = 30 })
    error_message = "A DAG that was overwritten by mistake must be restorable for a month: ${jsonencode(module.bucket["dags"].retention)}"
  }
}

run "baked_dags_need_no_bucket" {
  module {
    source = "./modules/dags"
  }

  variables {
    source_kind = "image"
  }

  assert {
    condition     = output.bucket == null && output.policy_arns == {} && jsondecode(output.bundle_config)[0].classpath == "airflow.dag_processing.bundles.local.LocalDagBundle"
    error_message = "Nothing is made for baked DAGs: ${output.bundle_config}"
  }
}

run "git_takes_its_address_from_the_input" {
  command = plan

  module {
    source = "./modules/dags"
  }

  variables {
    source_kind = "git"
    git         = { repo_url = "https://example.org/dags.git", tracking_ref = "main", subdir = "dags", git_conn_id = null }
  }

  assert {
    condition     = jsondecode(output.bundle_config)[0].kwargs.repo_url == "https://example.org/dags.git" && length(module.bucket) == 0
    error_message = "The bundle must name the repository: ${output.bundle_config}"
  }
}

run "git_without_an_address_is_rejected" {
  command = plan

  module {
    source = "./modules/dags"
  }

  variables {
    source_kind = "git"
  }

  expect_failures = [output.bundle_config]
}

run "an_unknown_source_is_rejected" {
  command = plan

  module {
    source = "./modules/dags"
  }

  variables {
    source_kind = "efs"
  }

  expect_failures = [var.source_kind]
}
