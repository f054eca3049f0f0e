output "vpc_id" {
  value       = data.aws_vpc.network.id
  description = "The VPC."
}

output "cidrs" {
  value       = [for range in data.aws_vpc.network.cidr_block_associations : range.cidr_block if range.state == "associated"]
  description = "Address ranges of the VPC, the secondary ones too."
}

output "subnet_ids" {
  value       = var.subnet_ids
  description = "Subnets in which tasks run."

  precondition {
    condition     = length(distinct([for subnet in data.aws_subnet.tasks : subnet.availability_zone])) >= 2
    error_message = "All of subnet_ids lie in one availability zone: give subnets in two or more, so that one zone's lack of capacity does not stop every task."
  }

  precondition {
    condition     = var.assign_public_ip || length(local.public) == 0
    error_message = "Public subnets: ${join(", ", local.public)}. A task there cannot reach AWS without a public address: set assign_public_ip = true, or give subnets behind a NAT gateway or with endpoints."
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
  description = "Where tasks may go with HTTPS. How a given VPC reaches AWS is not known here, so anywhere."
}
