"""Links to AWS's console, in every partition that the public reaches."""

from __future__ import annotations

import pytest

from airflow_fargate.aws import console

TASK = "ecs:{region}:123456789012:task/airflow/0123456789abcdef"


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "console.aws.amazon.com"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
    ],
)
def test_a_task_s_pages_are_in_its_partition_s_console(partition: str, region: str, host: str) -> None:
    """Host by partition, region from the ARN."""
    arn = f"arn:{partition}:{TASK.format(region=region)}"
    assert console.task_link(arn) == (
        f"https://{host}/ecs/v2/clusters/airflow/tasks/0123456789abcdef?region={region}"
    )
    assert console.log_link(arn, "/airflow/worker", "worker/worker/0123") == (
        f"https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/$252Fairflow$252Fworker"
        "/log-events/worker$252Fworker$252F0123"
    )


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws-iso:" + TASK.format(region="us-iso-east-1"),
        "arn:aws:s3:::bucket",
        "arn:aws:ecs:eu-west-1:123456789012:cluster/airflow",
        "0f7c6c5e-6f0e-4f0f-9d4b-0d6a6b2b7f10",
    ],
)
def test_what_has_no_page_has_no_link(arn: str) -> None:
    """No task, or a console that nobody reaches: nothing, rather than a link that leads nowhere."""
    assert console.task_link(arn) == ""
    assert console.log_link(arn, "/group", "stream") == ""


def test_a_task_without_its_cluster_has_a_log_and_no_page() -> None:
    """ARNs of the old form do not name the cluster; no group, no log."""
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/0123"
    assert console.task_link(arn) == ""
    assert console.log_link(arn, "/group", "stream").endswith("$252Fgroup/log-events/stream")
    assert console.log_link(arn, "", "stream") == ""
