# For deployments that were applied in terraform/ before the module had no provider (UPGRADE.md). A new deployment has
# nothing to move.

moved {
  from = module.encryption
  to   = module.airflow.module.encryption
}

moved {
  from = module.network
  to   = module.airflow.module.network
}

moved {
  from = module.storage
  to   = module.airflow.module.storage
}

moved {
  from = module.cluster
  to   = module.airflow.module.cluster
}

moved {
  from = module.registry
  to   = module.airflow.module.registry
}

moved {
  from = module.worker
  to   = module.airflow.module.worker
}

moved {
  from = module.task_events
  to   = module.airflow.module.task_events
}

moved {
  from = module.scheduler_access
  to   = module.airflow.module.scheduler_access
}

moved {
  from = module.observability
  to   = module.airflow.module.observability
}
