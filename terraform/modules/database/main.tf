# Airflow's metadata database: PostgreSQL on RDS. RDS makes the password, keeps it in Secrets Manager and rotates it every
# seven days; Airflow fetches it for each new connection.

locals {
  engine_version = "17"
  port           = 5432
}

resource "aws_db_subnet_group" "airflow" {
  name        = "${var.name}-airflow"
  description = "Airflow's database of ${var.name}"
  subnet_ids  = var.subnet_ids

  tags = var.tags
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Airflow's database: PostgreSQL from Airflow's components, nothing else"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "component" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.database.id
  description                  = "Airflow's ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port

  tags = var.tags
}

# A name for the final snapshot that stays the same until the database is replaced, and that the next database of the same
# name does not reuse: AWS rejects a snapshot name that exists.
resource "terraform_data" "created" {
  input = formatdate("YYYYMMDD-hhmmss", plantimestamp())

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_db_instance" "airflow" {
  #checkov:skip=CKV_AWS_118:Enhanced monitoring costs by the metric; CloudWatch has the instance's own figures.
  #checkov:skip=CKV_AWS_129:RDS makes the log group by itself, so a destroy would leave it behind; RDS keeps the log for three days.
  #checkov:skip=CKV_AWS_157:multi_az is an input: on in size ha.
  #checkov:skip=CKV_AWS_161:The password is fetched for each connection and rotated every week, which is what IAM tokens are for.
  #checkov:skip=CKV_AWS_293:deletion_protection is an input; without it, a destroy still keeps a final snapshot.
  #checkov:skip=CKV_AWS_353:Performance Insights is the account's choice; Airflow needs none of it.
  #checkov:skip=CKV2_AWS_30:Logging each statement fills the disk of a small instance.
  identifier     = "${var.name}-airflow"
  engine         = "postgres"
  engine_version = local.engine_version
  instance_class = var.instance_class
  db_name        = "airflow"

  # Login. RDS itself keeps the password; no value passes through Terraform.
  username                      = "airflow"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.kms_key_arn

  # Storage. AWS's own key encrypts it: the deployment's key is deleted with the deployment, and a final snapshot must
  # stay readable.
  storage_type          = "gp3"
  allocated_storage     = var.storage_gib
  max_allocated_storage = var.storage_gib * 5
  storage_encrypted     = true

  # Network. From release 15 on, RDS's default parameters reject connections without TLS.
  db_subnet_group_name   = aws_db_subnet_group.airflow.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  port                   = local.port
  multi_az               = var.multi_az

  # Care. A change is made when it is applied and not days later; Airflow bridges the minutes of a restart.
  auto_minor_version_upgrade = true
  apply_immediately          = true
  backup_retention_period    = var.backup_days
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  delete_automated_backups   = true
  skip_final_snapshot        = !var.final_snapshot
  final_snapshot_identifier  = var.final_snapshot ? "${var.name}-airflow-${terraform_data.created.output}" : null

  tags = var.tags
}
