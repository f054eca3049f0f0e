"""What ``airflow fargate doctor`` looks at: each check yields findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.cli.findings import Finding, failed, ok, unknown
from airflow_fargate.cli.image import image
from airflow_fargate.cli.network import airflow, subnets
from airflow_fargate.cli.permissions import permissions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.cli.session import Session


def queued_timeout(session: Session) -> Iterator[Finding]:
    """The launch budget ends before Airflow gives up."""
    from airflow.configuration import conf  # noqa: PLC0415  Airflow's, read when asked

    queued = conf.getfloat("scheduler", "task_queued_timeout")
    launch = session.config.launch_timeout
    if launch < queued:
        yield ok("timeouts", f"launch_timeout {launch:g} s ends before task_queued_timeout {queued:g} s.")
    else:
        yield failed(
            "timeouts",
            f"launch_timeout {launch:g} s is not below [scheduler] task_queued_timeout {queued:g} s: Airflow "
            "revokes a task that still waits for capacity. Lower the first or raise the second.",
        )


def credentials(session: Session) -> Iterator[Finding]:
    """Somebody is signed in."""
    who = session.clients("sts").get_caller_identity()
    yield ok("credentials", f"Calls are made as {who['Arn']}.")


def cluster(session: Session) -> Iterator[Finding]:
    """The cluster is there, with the providers of the chain."""
    name = session.config.cluster
    found = session.clients("ecs").describe_clusters(clusters=[name])["clusters"]
    if not found or found[0]["status"] != "ACTIVE":
        yield failed("cluster", f"No active cluster {name!r}: correct [fargate] cluster and region.")
        return
    yield ok("cluster", f"{name} is active.")
    missing = set(session.config.capacity_chain) - set(found[0].get("capacityProviders") or ())
    if missing:
        yield failed(
            "capacity chain",
            f"The cluster lacks {', '.join(sorted(missing))}: add the provider, or correct capacity_chain.",
        )


def definition(session: Session) -> Iterator[Finding]:
    """The task definition has our container, its logs and its image."""
    config = session.config
    about = "task definition"
    try:
        answer = session.clients("ecs").describe_task_definition(taskDefinition=config.task_definition)
    except Exception as error:  # noqa: BLE001  ECS says ClientException for what is not there
        yield failed(about, f"{config.task_definition!r}: {error}. Correct [fargate] task_definition.")
        return
    definition = answer["taskDefinition"]
    yield ok(about, f"{definition['family']}:{definition['revision']} is {definition['status']}.")
    containers = {each["name"]: each for each in definition["containerDefinitions"]}
    ours = containers.get(config.container_name)
    if ours is None:
        yield failed(
            "container",
            f"The definition has no container {config.container_name!r}: it has {', '.join(containers)}. "
            "Correct [fargate] container_name.",
        )
        return
    yield from _log_driver(session, ours)
    yield from airflow(ours)
    yield from image(session, ours["image"])


def _log_driver(session: Session, container: dict[str, Any]) -> Iterator[Finding]:
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group, prefix = options.get("awslogs-group", ""), options.get("awslogs-stream-prefix", "")
    if (group, prefix) != (session.config.log_group, session.config.log_stream_prefix):
        yield failed(
            "log group",
            f"The container writes to {group or 'no group'!r} with prefix {prefix!r}: set [fargate] "
            "log_group and log_stream_prefix to these.",
        )


def queue(session: Session) -> Iterator[Finding]:
    """The event queue answers."""
    url = session.config.event_queue_url
    if not url:
        yield unknown(
            "event queue", "None: tasks are described every 10 seconds instead (reconcile_interval)."
        )
        return
    try:
        session.clients("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
    except Exception as error:
        if "NonExistentQueue" not in str(error) and "does not exist" not in str(error):
            raise
        yield failed("event queue", f"{url} does not exist: correct [fargate] event_queue_url.")
        return
    yield ok("event queue", f"{url} answers.")


def bucket(session: Session) -> Iterator[Finding]:
    """Payloads can be written."""
    bucket = session.config.payload_bucket
    if not bucket:
        yield unknown("payload bucket", "None: tokens stand in the container override.")
        return
    key = f"{session.config.payload_prefix.strip('/')}/doctor"
    s3 = session.clients("s3")
    # What the executor does, and no more: its policy allows neither to list nor to read.
    s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key=key)
    yield ok("payload bucket", f"s3://{bucket}/{key.rpartition('/')[0]} can be written.")


def logs(session: Session) -> Iterator[Finding]:
    """The log group is there."""
    group = session.config.log_group
    if not group:
        yield unknown("log group", "None: failures come without the container's last lines.")
        return
    found = session.clients("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(each["logGroupName"] == group for each in found):
        yield ok("log group", f"{group} exists.")
    else:
        yield failed("log group", f"{group} does not exist: correct [fargate] log_group.")


CHECKS = (queued_timeout, credentials, cluster, definition, subnets, queue, bucket, logs, permissions)
