output "vpc_id" {
  value       = aws_vpc.network.id
  description = "The VPC."
}

output "cidrs" {
  value       = [var.cidr]
  description = "Address ranges of the VPC."
}

output "subnet_ids" {
  value       = [for zone in local.zones : aws_subnet.tasks[zone].id]
  description = "Subnets in which tasks run, one per zone."

  # A task that starts before its route exists cannot pull its image.
  depends_on = [aws_route.nat, aws_route_table_association.tasks, aws_vpc_endpoint.s3, aws_vpc_endpoint.service]
}

output "assign_public_ip" {
  value       = var.nat == "public"
  description = "Whether each task needs a public address, because it has no other way out."
}

output "https" {
  value = var.nat == "none" ? {
    cidrs        = [var.cidr]
    prefix_lists = { s3 = aws_vpc_endpoint.s3.prefix_list_id }
    } : {
    cidrs        = ["0.0.0.0/0"]
    prefix_lists = {}
  }
  description = "Where tasks may connect with HTTPS: anywhere if they can reach the internet, otherwise only the endpoints."
}

output "nat_addresses" {
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
  description = "Public addresses of the NAT gateways by zone; traffic of tasks comes from these."
}
