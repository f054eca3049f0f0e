# The two images and their Airflow release, as one record: both were pushed, and they belong together.

locals {
  # REPOSITORY:TAG@DIGEST runs as REPOSITORY@DIGEST: ECS rejects a reference with both.
  control_image = var.images == null ? null : "${local.control_repository}@${split("@", var.images.control)[1]}"

  # The tag under which the worker image was pushed, so that the module takes its digest for its own.
  worker_tag = try(regex(":([^:/@]+)@", var.images.worker)[0], "not-pushed")

  control_repository = var.images == null ? null : regex("^(.*?)(?::[^:/@]+)?@", var.images.control)[0]
  worker_repository  = var.images == null ? null : regex("^(.*?)(?::[^:/@]+)?@", var.images.worker)[0]
}

check "images_are_of_this_deployment" {
  assert {
    condition     = var.images == null ? true : local.control_repository == module.control_registry.repository_url && local.worker_repository == module.airflow.repository_url
    error_message = "images names ${coalesce(local.worker_repository, "nothing")} and ${coalesce(local.control_repository, "nothing")}, but this deployment's repositories are ${module.airflow.repository_url} and ${module.control_registry.repository_url}. Delete images.auto.tfvars.json and push both images again."
  }
}
