# Airflow already runs in a VPC, and tasks join it. Replace the VPC and the security group by yours.

provider "aws" {}

data "aws_availability_zones" "all" {
  #checkov:skip=CKV_AWS_394:An example; the module itself refuses zones without Fargate.
}

resource "aws_vpc" "yours" {
  #checkov:skip=CKV2_AWS_11:Stands for a VPC that exists.
  #checkov:skip=CKV2_AWS_12:Stands for a VPC that exists.
  cidr_block = "10.20.0.0/16"
}

resource "aws_subnet" "yours" {
  count = 2

  vpc_id            = aws_vpc.yours.id
  cidr_block        = cidrsubnet(aws_vpc.yours.cidr_block, 4, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}

resource "aws_security_group" "airflow" {
  #checkov:skip=CKV2_AWS_5:Stands for the group of an Airflow that exists.
  name        = "${var.name}-api-server"
  description = "The API server."
  vpc_id      = aws_vpc.yours.id
}

module "airflow" {
  source = "../.."

  name = var.name

  existing_network = {
    vpc_id     = aws_vpc.yours.id
    subnet_ids = aws_subnet.yours[*].id
  }

  # Tasks may go to Airflow's own security group at the API server's port, to a database, and with HTTPS.
  execution_api_server_url   = "http://airflow.internal:8080/execution/"
  airflow_security_group_ids = { api_server = aws_security_group.airflow.id }
  egress_cidrs               = { warehouse = { port = 5439, cidrs = ["10.30.0.0/16"] } }
}

# On Airflow's side: allow the tasks.
resource "aws_vpc_security_group_ingress_rule" "tasks" {
  security_group_id            = aws_security_group.airflow.id
  description                  = "Tasks of ${var.name}"
  referenced_security_group_id = module.airflow.security_group_ids[0]
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}
