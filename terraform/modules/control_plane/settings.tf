# Airflow's configuration as environment variables: what all components share, and what each has besides.

locals {
  pool = {
    # 80 connections is what the smallest database allows; an API server takes up to 30 with Airflow's defaults.
    small = {
      AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE    = "3"
      AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW = "5"
    }
    ha = {}
  }

  shared = merge(var.airflow_environment, local.pool[var.size], {
    # The database. The image fetches the password for each connection.
    AIRFLOW_FARGATE_DATABASE_HOST       = var.database.address
    AIRFLOW_FARGATE_DATABASE_NAME       = var.database.name
    AIRFLOW_FARGATE_DATABASE_SECRET_ARN = var.database.secret_arn

    AIRFLOW__CORE__AUTH_MANAGER             = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    AIRFLOW__CORE__LOAD_EXAMPLES            = "False"
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL = var.execution_url

    # The API server fetches logs from the triggerer's host name, and only an address resolves everywhere.
    AIRFLOW__CORE__HOSTNAME_CALLABLE = "airflow.utils.net.get_host_ip_address"

    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST = var.bundle_config

    # A scheduler that starts while the old one still runs adopts that one's tasks soon after it stopped.
    AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL = "30"
  })

  # These components exit when a query fails; a database that fails over is back within two minutes. The API server's
  # clients try again by themselves.
  outlasts_outage = { AIRFLOW_FARGATE_DATABASE_OUTAGE_SECONDS = "240" }

  # The API server's memory grows over days (apache/airflow #61804); gunicorn replaces its workers twice a day, which
  # goes unnoticed where another container answers meanwhile.
  api_server = {
    small = {}
    ha = {
      AIRFLOW__API__SERVER_TYPE             = "gunicorn"
      AIRFLOW__API__WORKER_REFRESH_INTERVAL = "43200"
    }
  }

  own = {
    api = merge(local.api_server[var.size], {
      AIRFLOW__API__BASE_URL           = var.base_url
      AIRFLOW_FARGATE_ADMIN_SECRET_ARN = var.secrets.arns["admin"]
    })

    # This scheduler launches the worker that it was deployed with. A newer worker may not understand its payload.
    scheduler = merge(local.outlasts_outage, { AIRFLOW__FARGATE__TASK_DEFINITION = element(split("/", var.worker_task_definition_arn), 1) })

    dag-processor = local.outlasts_outage
    triggerer     = local.outlasts_outage
  }

  environment = { for component, settings in local.own : component => merge(local.shared, settings) }

  # After a rotation, what older connections are encrypted with: the secret's previous version.
  fernet = merge(
    { AIRFLOW__CORE__FERNET_KEY = var.secrets.arns["fernet"] },
    { for stage in ["AWSPREVIOUS"] : "AIRFLOW_FARGATE_PREVIOUS_FERNET_KEY" => "${var.secrets.arns["fernet"]}::${stage}:" if var.secrets.fernet_was_rotated },
  )
  jwt = { AIRFLOW__API_AUTH__JWT_SECRET = var.secrets.arns["jwt"] }
  api = { AIRFLOW__API__SECRET_KEY = var.secrets.arns["api"] }

  secrets = {
    api           = merge(local.fernet, local.jwt, local.api)
    scheduler     = merge(local.fernet, local.jwt)
    dag-processor = local.fernet
    triggerer     = merge(local.fernet, local.api)
  }
}
