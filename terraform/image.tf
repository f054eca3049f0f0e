# Which image tasks run: a tag until an image was pushed, then exactly its digest.

locals {
  image = var.worker_image != null ? var.worker_image : "${module.registry.repository_url}:${var.worker_image_tag}"

  # REPOSITORY of REPOSITORY:TAG@DIGEST.
  image_repository  = regex("^(.*?)(?::[^:/@]+)?(?:@.*)?$", local.image)[0]
  pushed_repository = var.pushed_image == null ? null : regex("^(.*?)(?::[^:/@]+)?@.*$", var.pushed_image)[0]

  # A digest is only valid in the repository that it was pushed to. Conditional expressions instead of &&, because Terraform
  # before 1.12 does not short-circuit, and the repository is unknown in the first plan.
  digest_fits = var.pushed_image == null ? false : local.pushed_repository == local.image_repository && !strcontains(local.image, "@")
  runs        = local.digest_fits ? "${local.image_repository}@${split("@", coalesce(var.pushed_image, "@"))[1]}" : local.image

  # Without internet access, images can only come from ECR in this region.
  pulled_through_endpoints = can(regex("^[0-9]{12}\\.dkr[.-]ecr(-fips)?\\.${data.aws_region.current.id}\\.", coalesce(var.worker_image, "own")))
}

check "pushed_image_is_of_this_repository" {
  assert {
    condition     = var.pushed_image == null ? true : local.digest_fits
    error_message = "Tasks run ${local.image}. pushed_image is ignored, because it belongs to another repository or because the image already has a digest: ${coalesce(var.pushed_image, "none")}. If you did not set it, delete image.auto.tfvars.json."
  }
}

check "pushed_image_has_the_tag" {
  assert {
    condition     = !local.digest_fits ? true : !can(regex(":[^:/@]+@", var.pushed_image)) || startswith(coalesce(var.pushed_image, "none"), "${local.image}@")
    error_message = "Tasks still run ${coalesce(var.pushed_image, "none")}. To run ${local.image}, push it (make push) and apply."
  }
}
