"""What AWS billed for a deployment's tasks, by day and DAG, from Cost Explorer by the tasks' tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.cli.findings import error_code, is_denied
from airflow_fargate.errors import FargateError
from airflow_fargate.launching.request import DEPLOYMENT_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

DAG_TAG = "airflow-fargate:dag-id"
_METRIC = "UnblendedCost"
ACTIVATE = (
    f"Activate {DAG_TAG} and {DEPLOYMENT_TAG} as cost allocation tags in AWS Billing (in the payer account). "
    "They apply from the next day on, not to earlier days."
)


class NoBillError(FargateError):
    """Cost Explorer returned no bill; the message says what to do."""


def by_day_and_dag(ce: Any, deployment: str, first: str, beyond: str) -> Iterator[tuple[str, str, float]]:
    """Yield day, DAG and USD.

    Args:
        ce: boto3's Cost Explorer client. Each page costs 0.01 USD.
        deployment: the deployment's name.
        first: the first day, as 2026-01-31.
        beyond: the day after the last.

    Raises:
        NoBillError: a permission is missing, or the tags are not activated.
    """
    token = ""
    while True:
        page = {"NextPageToken": token} if token else {}
        try:
            answer = ce.get_cost_and_usage(
                TimePeriod={"Start": first, "End": beyond},
                Granularity="DAILY",
                Metrics=[_METRIC],
                Filter={"Tags": {"Key": DEPLOYMENT_TAG, "Values": [deployment]}},
                GroupBy=[{"Type": "TAG", "Key": DAG_TAG}],
                **page,
            )
        except Exception as error:
            raise _explained(error) from error
        for each in answer.get("ResultsByTime") or ():
            day = str((each.get("TimePeriod") or {}).get("Start"))
            for group in each.get("Groups") or ():
                # A group's key is tag$value.
                dag = str(group["Keys"][0]).removeprefix(f"{DAG_TAG}$")
                yield day, dag, float(group["Metrics"][_METRIC]["Amount"])
        token = answer.get("NextPageToken") or ""
        if not token:
            return


def _explained(error: Exception) -> Exception:
    if is_denied(error):
        return NoBillError(
            f"No permission to read the bill: {error}. Allow ce:GetCostAndUsage for these credentials."
        )
    if error_code(error) == "ValidationException":
        return NoBillError(f"Cost Explorer does not know the tags: {error}. {ACTIVATE}")
    return error
