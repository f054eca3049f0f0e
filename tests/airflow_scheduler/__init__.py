"""Airflow 3.3.2's own scheduler over PostgreSQL, with AWS simulated.

Nothing of Airflow is replaced: its ``SchedulerJobRunner`` runs its own loop over real rows (serialized DAGs,
DAG runs, task instances) in Debian's PostgreSQL. A task's state changes through Airflow's own execution API,
as in production. These parts differ from production:

- ECS, SQS, S3 and CloudWatch Logs are simulated (``local_cloud``). No container runs: the test does the
  worker's part (``Worker``).
- In tests (``Scheduler``), the clock of the executor and of AWS is moved by hand. It moves when Airflow's
  loop sleeps, and by ``LOOP_SECONDS`` in each turn of the loop. The executor's threads run between two
  heartbeats, one after the other, each until it would wait.
- Airflow's own times (``queued_dttm``, heartbeats, retry delays) are the machine's. A test that needs an old
  row changes its time.
- Airflow's timed jobs (stuck tasks, heartbeat timeouts) are due by the machine's clock, so tests call them.
  The search for orphans runs whenever a loop begins, as in production.
- The execution API runs in the same process and accepts every token.
- PostgreSQL runs with ``fsync=off``, so a commit costs less than in production.
- There is no DAG processor and no triggerer. The DAGs are serialized once, and ``trigger_fires`` does what
  the triggerer does.
"""
