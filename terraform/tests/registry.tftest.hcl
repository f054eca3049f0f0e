mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "airflow"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "a_tag_always_means_the_same_image" {
  module {
    source = "./modules/registry"
  }

  assert {
    condition     = aws_ecr_repository.worker.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.worker.image_scanning_configuration[0].scan_on_push
    error_message = "Tags are immutable and images are scanned."
  }

  assert {
    condition     = !aws_ecr_repository.worker.force_delete
    error_message = "A repository with images is kept unless force_destroy is set."
  }

  assert {
    condition     = output.registry == "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    error_message = "docker login needs the host name."
  }
}

run "the_control_image_has_a_repository_of_its_own" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    image = "control"
  }

  assert {
    condition     = aws_ecr_repository.worker.name == "airflow/control"
    error_message = "Repository: ${aws_ecr_repository.worker.name}"
  }
}

run "keeping_nothing_is_rejected" {
  command = plan

  module {
    source = "./modules/registry"
  }

  variables {
    kept_images = 0
    image       = "Control/1"
  }

  expect_failures = [var.kept_images, var.image]
}
