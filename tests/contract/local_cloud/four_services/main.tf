# Four services, a database, Cloud Map, secrets, SSM, a load balancer and autoscaling, as a deployment of Airflow has them.
# It is applied to the local cloud by test_four_services.py.

terraform {
  required_version = ">= 1.11" # write-only attributes
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6"
    }
  }
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 3

  default_tags {
    tags = { deployment = "four-services" }
  }
}

variable "image" {
  description = "Image with a shell, perl, getent and psql."
  type        = string
}

variable "release" {
  description = "What the API answers; another value is a rolling deployment."
  type        = string
  default     = "one"
}

variable "broken" {
  description = "Whether the API's container exits at once."
  type        = bool
  default     = false
}

locals {
  name = "four"
  # Answers with its release to anybody who connects, for two more seconds after SIGTERM.
  listen = join("", [
    "perl -MSocket -e 'socket S,PF_INET,SOCK_STREAM,6; setsockopt S,SOL_SOCKET,SO_REUSEADDR,1; ",
    "bind S,sockaddr_in(8080,INADDR_ANY) or die; listen S,9; $SIG{TERM}=sub{alarm 2}; $SIG{PIPE}=sub{}; ",
    "while(1){accept(C,S) or next; syswrite C,\"$ENV{RELEASE}\\n\"; close C}'",
  ])
  # Says which release answers under the API's name, and a failure as "lost"; asks the database as well.
  watch = <<-EOT
    [[ $AWS_ENDPOINT_URL =~ http://([^/:]+):([0-9]+) ]]
    exec 4<>/dev/tcp/$${BASH_REMATCH[1]}/$${BASH_REMATCH[2]}
    printf 'GET /_local/rds-ca.pem HTTP/1.0\r\nHost: x\r\n\r\n' >&4
    while read -r line <&4; do [[ $line == -----BEGIN* ]] && on=1; [[ $on ]] && echo "$line"; done > /tmp/ca.pem
    [[ $SECRET =~ '"password": "'(.*)'"' ]] && export PGPASSWORD="$${BASH_REMATCH[1]}"
    echo "database $(psql -At -c 'select ssl from pg_stat_ssl where pid = pg_backend_pid()')"
    echo "secrets $${#FERNET_KEY} $SETTING"
    trap 'exit 0' TERM
    while :; do
      if { exec 3<>/dev/tcp/$API_HOST/8080; } 2>/dev/null && read -r release <&3; then echo "api $release"; else echo lost; fi
      exec 3>&- 3<&-
      sleep 0.2
    done
  EOT
  wait  = "trap 'exit 0' TERM; while :; do sleep 0.2; done"
  services = {
    api           = { command = var.broken ? "echo broken >&2; exit 3" : local.listen, health = "exec 3<>/dev/tcp/127.0.0.1/8080" }
    scheduler     = { command = local.watch, health = "true" }
    dag-processor = { command = local.wait, health = "true" }
    triggerer     = { command = local.wait, health = "true" }
  }
}

data "aws_availability_zones" "all" {}

resource "aws_vpc" "this" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "this" {
  count = 2

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}

resource "aws_security_group" "this" {
  name        = local.name
  description = "Everything inside"
  vpc_id      = aws_vpc.this.id
}

# Names

resource "aws_service_discovery_private_dns_namespace" "this" {
  name = "${local.name}.airflow.internal"
  vpc  = aws_vpc.this.id
}

resource "aws_service_discovery_service" "api" {
  name = "api"

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this.id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 2
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

# Secrets

ephemeral "aws_secretsmanager_random_password" "fernet" {
  password_length     = 32
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "fernet" {
  name                    = "${local.name}/fernet"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "fernet" {
  secret_id                = aws_secretsmanager_secret.fernet.id
  secret_string_wo         = base64encode(ephemeral.aws_secretsmanager_random_password.fernet.random_password)
  secret_string_wo_version = 1
}

resource "aws_ssm_parameter" "setting" {
  name             = "/${local.name}/setting"
  type             = "SecureString"
  value_wo         = "from-ssm"
  value_wo_version = 1
}

# Database

resource "aws_db_subnet_group" "this" {
  name       = local.name
  subnet_ids = aws_subnet.this[*].id
}

resource "aws_db_parameter_group" "this" {
  name   = local.name
  family = "postgres16"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }
}

resource "aws_db_instance" "this" {
  identifier                  = local.name
  engine                      = "postgres"
  engine_version              = "16.4"
  instance_class              = "db.t4g.micro"
  allocated_storage           = 20
  storage_type                = "gp3"
  storage_encrypted           = true
  db_name                     = "airflow"
  username                    = "airflow"
  manage_master_user_password = true
  db_subnet_group_name        = aws_db_subnet_group.this.name
  parameter_group_name        = aws_db_parameter_group.this.name
  vpc_security_group_ids      = [aws_security_group.this.id]
  final_snapshot_identifier   = "${local.name}-final"
}
