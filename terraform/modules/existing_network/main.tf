# Nothing is created: what is given is read, so that a wrong subnet is refused at plan and not at the first task.

data "aws_vpc" "network" {
  id = var.vpc_id
}

data "aws_subnet" "private" {
  for_each = toset(var.subnet_ids)

  id = each.key

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.vpc_id
      error_message = "Subnet ${self.id} belongs to ${self.vpc_id}, not to ${var.vpc_id}."
    }
  }
}
