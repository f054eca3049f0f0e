mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "a_tag_means_one_image_for_ever" {
  module {
    source = "./modules/registry"
  }

  assert {
    condition     = aws_ecr_repository.worker.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.worker.image_scanning_configuration[0].scan_on_push
    error_message = "Tags are immutable and images are scanned."
  }

  assert {
    condition     = !aws_ecr_repository.worker.force_delete
    error_message = "Images are not deleted along, unless asked for."
  }

  assert {
    condition     = output.registry == "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    error_message = "docker login needs the host alone."
  }
}

run "keeping_nothing_is_refused" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    kept_images = 0
  }

  expect_failures = [var.kept_images]
}
