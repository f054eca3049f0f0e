"""Where moto does otherwise than AWS and a whole stack meets it, the local cloud does as AWS does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from contract.local_cloud.worlds import NUMBERS, client

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

# As the worker writes its logs; Airflow's run ids hold a plus sign.
KEY = "dag_id=d/run_id=scheduled__2026-01-01T00:00:00+00:00/attempt=1 a.log"
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.fixture
def s3(simulated_cloud: LocalCloud) -> Any:
    """S3 of the session's cloud."""
    return client(simulated_cloud.endpoint, "s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket of its own, versioned."""
    name = f"bucket-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def deny(s3: Any, bucket: str, statements: Any) -> None:
    """Give the bucket a policy of these statements, each of which denies everything to everybody."""
    everything = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    whole = (
        [{**everything, **each} for each in statements]
        if isinstance(statements, list)
        else {**everything, **statements}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": whole}))


def test_a_policy_against_what_comes_without_tls_refuses_nothing_else(s3: Any, bucket: str) -> None:
    """Denied under a condition: objects are written and read as before."""
    deny(s3, bucket, [{"Condition": WITHOUT_TLS}])
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_a_policy_without_a_condition_still_counts(s3: Any, bucket: str) -> None:
    """Denied outright, as one statement and not a list: refused."""
    deny(s3, bucket, {})
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_conditional_statement_beside_another_leaves_that_one_in_force(s3: Any, bucket: str) -> None:
    """Only the conditional statement does not count, not the policy that it stands in."""
    one, other = (f"arn:aws:s3:::{bucket}/{name}/*" for name in ("open", "closed"))
    deny(s3, bucket, [{"Resource": one, "Condition": WITHOUT_TLS}, {"Resource": other}])
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"1")
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key="closed/a", Body=b"1")


def test_who_asks_for_encoded_keys_of_versions_gets_them_encoded(s3: Any, bucket: str) -> None:
    """As Terraform asks: a plus sign that came as it is would be decoded to a space."""
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"1")
    s3.delete_object(Bucket=bucket, Key=KEY)
    found = s3.list_object_versions(Bucket=bucket, EncodingType="url")
    keys = [each["Key"] for each in (*found["Versions"], *found["DeleteMarkers"])]
    assert found["EncodingType"] == "url"
    assert [unquote_plus(each) for each in keys] == [KEY, KEY]


def test_emptying_a_bucket_by_its_versions_ends(s3: Any, bucket: str) -> None:
    """What is deleted by the keys that were listed is gone, and the bucket can be deleted."""
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"1")
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"2")
    for each in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


def test_a_deleted_cluster_is_listed_no_more(simulated_cloud: LocalCloud) -> None:
    """ListClusters names it while it stands, and then not."""
    ecs, name = client(simulated_cloud.endpoint, "ecs"), f"gone{next(NUMBERS)}"
    arn = ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"]
    assert arn in ecs.list_clusters()["clusterArns"]
    ecs.delete_cluster(cluster=name)
    assert arn not in ecs.list_clusters()["clusterArns"]


def test_a_deleted_nat_gateway_takes_its_interface_along(simulated_cloud: LocalCloud) -> None:
    """An account that was emptied holds no network interface of it."""
    ec2 = client(simulated_cloud.endpoint, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    before = {each["NetworkInterfaceId"] for each in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    during = {each["NetworkInterfaceId"] for each in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    ec2.release_address(AllocationId=address)
    after = {each["NetworkInterfaceId"] for each in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    assert during > before
    assert after == before
