# Which image tasks run: what is pushed has a name; what runs is exactly one image, once its digest is known.

locals {
  image = var.worker_image != null ? var.worker_image : "${module.registry.repository_url}:${var.worker_image_tag}"

  # REPOSITORY of REPOSITORY:TAG@DIGEST.
  image_repository  = regex("^(.*?)(?::[^:/@]+)?(?:@.*)?$", local.image)[0]
  pushed_repository = var.pushed_image == null ? null : regex("^(.*?)(?::[^:/@]+)?@.*$", var.pushed_image)[0]

  # The digest belongs to the repository that it was pushed to, and an image that has a digest keeps it.
  # Conditions and not &&, which Terraform before 1.12 does not cut short: the repository is unknown in the first plan.
  digest_fits = var.pushed_image == null ? false : local.pushed_repository == local.image_repository && !strcontains(local.image, "@")
  runs        = local.digest_fits ? "${local.image_repository}@${split("@", coalesce(var.pushed_image, "@"))[1]}" : local.image

  # Without a way out, an image can only come through the endpoints: from ECR in this region.
  pulled_through_endpoints = can(regex("^[0-9]{12}\\.dkr[.-]ecr(-fips)?\\.${data.aws_region.current.id}\\.", coalesce(var.worker_image, "own")))
}

check "pushed_image_is_of_this_repository" {
  assert {
    condition     = var.pushed_image == null ? true : local.digest_fits
    error_message = "Tasks run ${local.image}; pushed_image is ignored, because it is of another repository or because the image has a digest already: ${coalesce(var.pushed_image, "none")}. If you did not give it, delete image.auto.tfvars.json."
  }
}

check "pushed_image_has_the_tag" {
  assert {
    condition     = !local.digest_fits ? true : !can(regex(":[^:/@]+@", var.pushed_image)) || startswith(coalesce(var.pushed_image, "none"), "${local.image}@")
    error_message = "Tasks go on running ${coalesce(var.pushed_image, "none")} until ${local.image} is pushed (make push) and applied."
  }
}
