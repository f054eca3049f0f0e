output "vpc_id" {
  value       = data.aws_vpc.network.id
  description = "The VPC."
}

output "cidr" {
  value       = data.aws_vpc.network.cidr_block
  description = "Address range of the VPC."
}

output "subnet_ids" {
  value       = var.subnet_ids
  description = "Subnets in which tasks run."

  precondition {
    condition     = length(distinct([for subnet in data.aws_subnet.private : subnet.availability_zone])) >= 2
    error_message = "All of subnet_ids lie in one availability zone: give subnets in two or more, so that one zone's lack of capacity does not stop every task."
  }
}

output "https" {
  value = {
    cidrs        = ["0.0.0.0/0"]
    prefix_lists = {}
  }
  description = "Where tasks may go with HTTPS. How a given VPC reaches AWS is not known here, so anywhere."
}
