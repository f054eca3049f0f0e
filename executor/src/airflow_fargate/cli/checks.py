"""The checks of ``airflow fargate doctor``: each yields findings, and lets AWS's errors through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.aws.failures import cause_by_id
from airflow_fargate.cli.findings import Finding, error_code, failed, inconclusive, passed
from airflow_fargate.cli.image import image
from airflow_fargate.cli.network import airflow, subnets
from airflow_fargate.cli.permissions import permissions
from airflow_fargate.cli.requests import sample_request
from airflow_fargate.errors import FargateError
from airflow_fargate.executor import load_hook
from airflow_fargate.settings.capacity import is_fargate
from airflow_fargate.settings.task_options import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_fargate.cli.session import Session

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def timeouts(session: Session) -> Iterator[Finding]:
    """``launch_timeout`` ends before Airflow gives up a queued task."""
    from airflow.configuration import conf  # noqa: PLC0415  Airflow's, read when needed

    queued = conf.getfloat("scheduler", "task_queued_timeout")
    launch = session.config.launch_timeout
    if launch < queued:
        yield passed("timeouts", f"launch_timeout {launch:g} s ends before task_queued_timeout {queued:g} s.")
    else:
        yield failed(
            "timeouts",
            f"[fargate] launch_timeout must be below [scheduler] task_queued_timeout ({queued:g}), got "
            f"{launch:g}: Airflow would revoke a task that still waits for capacity. Lower the first or "
            "raise the second.",
        )


def requests(session: Session) -> Iterator[Finding]:
    """RunTask accepts the request of a task, with every profile."""
    try:
        hook = load_hook(session.config.execution_config_function)
    except FargateError as error:
        yield failed("requests", str(error))
        return
    for queue in ("", *session.config.profiles):
        options = session.config.profiles.get(queue, NO_OPTIONS)
        try:
            sample_request(session.config, hook, options)
        except FargateError as error:
            where = f"[fargate] profiles[{queue!r}]: " if queue else ""
            yield failed("requests", f"{where}{error}")
            if not queue:
                return  # the profiles would fail for the same reason
    names = ", ".join(map(repr, session.config.profiles)) or "none"
    yield passed("requests", f"The requests for RunTask are valid (profiles: {names}).")


def credentials(session: Session) -> Iterator[Finding]:
    """AWS accepts the credentials."""
    who = session.clients("sts").get_caller_identity()
    yield passed("credentials", f"Calls to AWS are made as {who['Arn']}.")


def cluster(session: Session) -> Iterator[Finding]:
    """The cluster exists, with the capacity providers that tasks ask for."""
    config = session.config
    found = session.clients("ecs").describe_clusters(clusters=[config.cluster])["clusters"]
    if not found or found[0]["status"] != "ACTIVE":
        cause = cause_by_id("cluster")
        yield failed("cluster", f"[fargate] cluster = {config.cluster!r}: {cause.summary} {cause.hint}")
        return
    yield passed("cluster", f"{config.cluster} is active.")
    there = set(found[0].get("capacityProviders") or ())
    wanted = dict.fromkeys(config.capacity_chain, "capacity_chain")
    for queue, profile in config.profiles.items():
        wanted |= dict.fromkeys(profile.capacity, f"profiles[{queue!r}]")
    for name, option in sorted(wanted.items()):
        if name not in there:
            hint = cause_by_id("capacity_provider").hint
            yield failed(
                "capacity", f"The cluster has no capacity provider {name} ([fargate] {option}). {hint}"
            )
        elif not is_fargate(name) and config.assign_public_ip == "ENABLED":
            yield inconclusive(
                "capacity",
                f"Tasks on {name} get no public address, in spite of [fargate] assign_public_ip = ENABLED: "
                "ECS allows it on Fargate only. Give their subnets a NAT gateway if they need the internet.",
            )


def task_definition(session: Session) -> Iterator[Finding]:
    """The task definition exists, with our container, its logs and its image."""
    config = session.config
    about = "task definition"
    answer = session.clients("ecs").describe_task_definition(taskDefinition=config.task_definition)
    definition = answer["taskDefinition"]
    name = f"{definition['family']}:{definition['revision']}"
    if definition["status"] == "ACTIVE":
        yield passed(about, f"{name} is ACTIVE.")
    else:
        hint = cause_by_id("task_definition_inactive").hint
        yield failed(about, f"{name} is {definition['status']}, and RunTask needs ACTIVE. {hint}")
    containers = {each["name"]: each for each in definition["containerDefinitions"]}
    ours = containers.get(config.container_name)
    if ours is None:
        yield failed(
            "container",
            f"[fargate] container_name must be a container of the task definition ({', '.join(containers)}), "
            f"got {config.container_name!r}.",
        )
        return
    yield from _log_driver(session, ours)
    yield from airflow(ours)
    yield from image(session, ours["image"])


def _log_driver(session: Session, container: Mapping[str, Any]) -> Iterator[Finding]:
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group, prefix = options.get("awslogs-group", ""), options.get("awslogs-stream-prefix", "")
    if (group, prefix) != (session.config.log_group, session.config.log_stream_prefix):
        yield failed(
            "log group",
            f"The container logs to group {group!r} with prefix {prefix!r}. Set [fargate] log_group and "
            f"log_stream_prefix to these values, got {session.config.log_group!r} and "
            f"{session.config.log_stream_prefix!r}.",
        )


def event_queue(session: Session) -> Iterator[Finding]:
    """The event queue answers."""
    url = session.config.event_queue_url
    if not url:
        yield inconclusive(
            "event queue",
            "No event queue: falling back to polling. Set [fargate] reconcile_interval to 5-15.",
        )
        return
    try:
        session.clients("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
    except Exception as error:
        if error_code(error) not in _NO_QUEUE:
            raise
        yield failed(
            "event queue",
            f"[fargate] event_queue_url = {url!r}: the queue does not exist. Create the queue or correct "
            "[fargate] event_queue_url and region.",
        )
        return
    yield passed("event queue", f"{url} answers.")


def payload_bucket(session: Session) -> Iterator[Finding]:
    """Payloads can be written."""
    bucket = session.config.payload_bucket
    if not bucket:
        yield inconclusive(
            "payload bucket",
            "No payload bucket: anyone who may describe tasks can read their tokens. Set [fargate] "
            "payload_bucket.",
        )
        return
    key = f"{session.config.payload_prefix.strip('/')}/doctor"
    s3 = session.clients("s3")
    # The executor's own calls and no others: its policy allows neither listing nor reading.
    s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key=key)
    yield passed("payload bucket", f"s3://{bucket}/{key.rpartition('/')[0]} can be written.")


def standbys(session: Session) -> Iterator[Finding]:
    """Standbys can be offered tasks, and fates can be read."""
    config = session.config
    if not config.standby:
        return
    place: dict[str, Any] = {"Bucket": config.payload_bucket, "Key": f"{config.standby_root}launches/doctor"}
    s3 = session.clients("s3")
    for _ in range(2):
        try:
            s3.put_object(**place, Body=b"{}", IfNoneMatch="*")
        except Exception as error:
            if error_code(error) not in ("PreconditionFailed", "412"):
                raise
    s3.get_object(**place)
    queues = ", ".join(config.standby)
    yield passed("standbys", f"Fates and offers can be written once and read. Queues: {queues}.")


def log_group(session: Session) -> Iterator[Finding]:
    """The log group exists."""
    group = session.config.log_group
    if not group:
        yield inconclusive(
            "log group",
            "No log group: failures are reported without the container's last lines. Set "
            "[fargate] log_group.",
        )
        return
    found = session.clients("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(each["logGroupName"] == group for each in found):
        yield passed("log group", f"{group} exists.")
    else:
        yield failed(
            "log group",
            f"[fargate] log_group = {group!r}: the log group does not exist. Create it (terraform apply) or "
            "correct [fargate] log_group and region.",
        )


CHECKS = (
    timeouts,
    requests,
    credentials,
    cluster,
    task_definition,
    subnets,
    event_queue,
    payload_bucket,
    standbys,
    log_group,
    permissions,
)

OPTIONS: dict[Callable[[Session], Iterator[Finding]], str] = {
    cluster: "cluster",
    task_definition: "task_definition",
    subnets: "subnets",
    event_queue: "event_queue_url",
    payload_bucket: "payload_bucket",
    log_group: "log_group",
}
"""Check -> the option that names what it looks at."""
