"""Links to AWS's console, in every public partition."""

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
def test_links_lead_to_the_partitions_console(partition: str, region: str, host: str) -> None:
    """The host depends on the partition, the region on the ARN."""
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
def test_other_text_has_no_link(arn: str) -> None:
    """Without a task's ARN or a public console there is no link."""
    assert console.task_link(arn) == ""
    assert console.log_link(arn, "/group", "stream") == ""


def test_an_arn_without_a_cluster_has_only_a_log_link() -> None:
    """ARNs of the old format have no cluster."""
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/0123"
    assert console.task_link(arn) == ""
    assert console.log_link(arn, "/group", "stream").endswith("$252Fgroup/log-events/stream")
    assert console.log_link(arn, "", "stream") == ""
