output "vpc_id" {
  value       = data.aws_vpc.network.id
  description = "The VPC."
}

output "cidrs" {
  value       = [for range in data.aws_vpc.network.cidr_block_associations : range.cidr_block if range.state == "associated"]
  description = "Address ranges of the VPC, including secondary ones."
}

output "subnet_ids" {
  value       = var.subnet_ids
  description = "Subnets in which tasks run."

  precondition {
    condition     = length(distinct([for subnet in data.aws_subnet.tasks : subnet.availability_zone])) >= 2
    error_message = "All of subnet_ids are in one availability zone. Give subnets in two or more, so that tasks still start when one zone has no capacity."
  }

  precondition {
    condition     = var.assign_public_ip || length(local.public) == 0
    error_message = "These subnets are public: ${join(", ", local.public)}. A task in them needs a public address to reach AWS. Set assign_public_ip = true, or give subnets behind a NAT gateway or with endpoints."
  }
}

output "assign_public_ip" {
  value       = var.assign_public_ip
  description = "Whether each task gets a public address."
}

output "https" {
  value = {
    cidrs        = ["0.0.0.0/0"]
    prefix_lists = {}
  }
  description = "Where tasks may connect with HTTPS: anywhere, because the module does not know how an existing VPC reaches AWS."
}
