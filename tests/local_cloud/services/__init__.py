"""ECS services: their calls, and the scheduler that keeps their tasks running.

How it works. A service has deployments: the PRIMARY one is what the service should run, ACTIVE ones are older
and drain. `UpdateService` with a new task definition makes a new PRIMARY deployment. Each task belongs to one
deployment: its `startedBy` is the deployment's id, its `group` is `service:NAME`.

Every change of a task and every call leads to one pass of the scheduler over the service:

1. Count failures: a task that ends before it ran (and was healthy, if it has a health check) has failed.
   Enough failed tasks trip the circuit breaker, which makes the last completed deployment PRIMARY again.
2. Plan: `planning.plan` is a pure function from tasks and bounds to "launch n" and "stop these".
3. Act, through the task plane's own way to launch and stop tasks.
4. Settle: old deployments without running tasks disappear; the PRIMARY one is COMPLETED when it has its count
   of healthy tasks and is the only one left; a deleted service is INACTIVE when its last task has stopped.

For example `nginx:1` -> `nginx:2` with a count of 2, minimum 100 % and maximum 200 %: launch two of
`nginx:2`; when the first is healthy stop one of `nginx:1`, when the second is, the other; then COMPLETED.
"""
