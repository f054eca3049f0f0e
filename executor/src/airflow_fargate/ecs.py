"""The few calls that the executor makes on AWS, over boto3; nothing else touches a client.

Clients are made by the threads that use them, never on the scheduler's thread, and on no thread before
``start()``: making one reads files and may ask a metadata service.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow_fargate import __version__
from airflow_fargate.failures import LaunchError, LaunchErrorKind, classify_error, classify_failures
from airflow_fargate.task_state_change import TaskStateChange, parse_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIBE_LIMIT = 100  # ARNs per DescribeTasks call (ECS API reference)
RECEIVE_LIMIT = 10  # messages per SQS call
LONG_POLL_SECONDS = 20
_CONNECT_SECONDS = 5
_READ_SECONDS = 15


ClientSource = Callable[[str], Any]
"""Returns the client of a service (ecs, sqs, s3, logs); tests pass fakes."""


class BotoClients:
    """boto3's clients, one per service, made when first asked for.

    Args:
        region: AWS region, or None for boto3's own search.
        threads: connections to keep per client.
    """

    def __init__(self, region: str | None, threads: int) -> None:
        self._region = region
        self._threads = threads
        self._clients: dict[str, Any] = {}
        # Threads may share clients, and not the session that makes them (boto3 guide, "Multithreading").
        self._making = Lock()

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415  half a second that reading the configuration does not need

        return boto3.session.Session(region_name=self._region)

    def __call__(self, service: str) -> Any:
        """Return the client; safe to call from several threads."""
        client = self._clients.get(service)
        if client is None:
            with self._making:
                client = self._clients.get(service) or self._made(service)
                self._clients[service] = client
        return client

    def _made(self, service: str) -> Any:
        import botocore  # noqa: PLC0415  with boto3, above
        from botocore.config import Config  # noqa: PLC0415  the same

        # The launcher decides about retries: it alone knows what a repeated RunTask may do.
        attempts = 1 if service == "ecs" else 4
        reading = _READ_SECONDS + (LONG_POLL_SECONDS if service == "sqs" else 0)
        client = self._session.client(
            service,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=reading,
                max_pool_connections=max(10, self._threads),
                # boto3 puts its own together anew for every call, a tenth of what a call costs.
                user_agent=f"airflow-fargate/{__version__} Botocore/{botocore.__version__}",
                # A request of RunTask has been checked when it was built; the others are ours to the letter.
                parameter_validation=service != "ecs",
                retries={"total_max_attempts": attempts, "mode": "standard"},
            ),
        )
        if service == "s3":
            client.meta.events.register_last("before-call.s3", _at_once)
        return client


def _at_once(params: dict[str, Any], **_: Any) -> None:
    """Send a body with its request: boto3 asks S3 first whether it would take it, a round trip more.

    That spares gigabytes that S3 refuses; a workload is two kilobytes.
    """
    params["headers"].pop("Expect", None)


def run_task(ecs: Any, request: Mapping[str, Any]) -> TaskStateChange | LaunchError:
    """Call RunTask once. Never raises: whatever boto3 raises is classified."""
    try:
        answer = ecs.run_task(**request)
    except Exception as error:  # noqa: BLE001  boto3, urllib3 and credential providers raise their own
        body = getattr(error, "response", None) or {}
        status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        return classify_error(error, status, body)
    for task in answer.get("tasks") or ():
        try:
            return parse_task(task)
        except ValueError:
            continue
    if answer.get("tasks"):
        # Something was started: the same token again, which is answered with it.
        return LaunchError(
            LaunchErrorKind.UNKNOWN, "RunTask answered with a task that has no ARN or no status"
        )
    return classify_failures(list(answer.get("failures") or ()))


def describe_tasks(ecs: Any, cluster: str, arns: Sequence[str]) -> tuple[list[TaskStateChange], list[str]]:
    """Call DescribeTasks for at most 100 ARNs.

    Returns:
        The tasks, and the ARNs that ECS does not know (MISSING). An ARN in neither was answered with another
        failure; it is asked for again.

    Raises:
        Exception: what boto3 raises.
    """
    answer = ecs.describe_tasks(cluster=cluster, tasks=list(arns))
    found = []
    for task in answer.get("tasks") or ():
        try:
            found.append(parse_task(task))
        except ValueError:
            continue
    missing = [
        str(each.get("arn")) for each in answer.get("failures") or () if each.get("reason") == "MISSING"
    ]
    known = {_task_id(arn): arn for arn in arns}
    # Failures may name the ARN in its old form, without the cluster.
    return found, [known[_task_id(arn)] for arn in missing if _task_id(arn) in known]


def find_by_launch_id(ecs: Any, cluster: str, started_by: str) -> TaskStateChange | None:
    """Return the task of this ``startedBy``: the one that runs, else the one that stopped last; None if none.

    Raises:
        Exception: what boto3 raises.
    """
    arns: list[str] = []
    for desired in ("RUNNING", "STOPPED"):
        answer = ecs.list_tasks(cluster=cluster, startedBy=started_by, desiredStatus=desired)
        arns.extend(answer.get("taskArns") or ())
    if not arns:
        return None
    found, _ = describe_tasks(ecs, cluster, arns[:DESCRIBE_LIMIT])
    # Listed and not described is there all the same: the two are eventually consistent, each by itself.
    listed = TaskStateChange(arns[0], "PROVISIONING", started_by=started_by)
    return max(found, key=lambda each: (not each.stopped, each.at("createdAt") or 0.0), default=listed)


def cluster_of(arn: str, default: str) -> str:
    """Return the cluster that a task's ARN names (``...:task/CLUSTER/ID``).

    Args:
        arn: the task's ARN.
        default: what is returned for an ARN without its cluster, and when it names the same one.
    """
    _, *path = arn.rsplit(":", 1)[-1].split("/")
    named = path[0] if len(path) > 1 else ""
    return named if named and named != default.rsplit("/", 1)[-1] else default


def _task_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
