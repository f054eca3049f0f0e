output "vpc_id" {
  value       = aws_vpc.network.id
  description = "The VPC."
}

output "cidr" {
  value       = aws_vpc.network.cidr_block
  description = "Address range of the VPC."
}

output "subnet_ids" {
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
  description = "Private subnets in which tasks run, one per zone."

  # A task that starts before its route exists cannot pull its image.
  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3, aws_vpc_endpoint.service]
}

output "https" {
  value = var.nat == "none" ? {
    cidrs        = [var.cidr]
    prefix_lists = { s3 = aws_vpc_endpoint.s3.prefix_list_id }
    } : {
    cidrs        = ["0.0.0.0/0"]
    prefix_lists = {}
  }
  description = "Where tasks may go with HTTPS: anywhere behind a NAT gateway, else only to the endpoints."
}

output "nat_addresses" {
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
  description = "Public addresses from which tasks appear, per zone of a NAT gateway."
}
