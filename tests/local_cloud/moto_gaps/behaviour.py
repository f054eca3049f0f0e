"""What moto 5.2 does otherwise than AWS, as far as a whole stack with real tasks in it meets that.

Bucket policies: moto evaluates them but passes over ``Condition``, so the usual "deny what comes without TLS"
refuses every object. No condition is evaluated here: a statement that has one does not count at all.

ListObjectVersions: moto does not encode keys for who asks for ``encoding-type=url``. Terraform's provider
decodes them all the same, takes the plus sign in an Airflow run id for a space, deletes what is not there
and begins again, forever.

ListClusters names clusters that were deleted, and a deleted NAT gateway leaves its network interface behind:
an account would never be empty again.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ecs.models import EC2ContainerServiceBackend
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

_serialized = S3Response.serialized
_delete_nat_gateway = NatGatewayBackend.delete_nat_gateway


def get_permission(bucket: Any, action: str, resource: str) -> Any:
    """Return what the bucket's policy says of an action, its conditional statements left out."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [statement for statement in statements if not statement.get("Condition")]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


def serialized(response: Any, action_result: Any) -> Any:
    """Return the answer, with the keys of ListObjectVersions encoded when that was asked for."""
    asked = response.querystring.get("encoding-type", [None])[0] == "url"
    if asked and response.data.get("Action") == "ListObjectVersions":
        result = action_result.result
        result["EncodingType"] = "url"
        for entry in [*result["Versions"], *result["DeleteMarkers"]]:
            entry["Key"] = quote(entry["Key"])
    return _serialized(response, action_result)


def list_clusters(backend: Any) -> list[str]:
    """Return the ARNs of the clusters that stand."""
    return [cluster.arn for cluster in backend.clusters.values() if cluster.status == "ACTIVE"]


def delete_nat_gateway(backend: Any, nat_gateway_id: str) -> Any:
    """Delete the gateway with its network interface."""
    gateway = _delete_nat_gateway(backend, nat_gateway_id)
    backend.enis.pop(gateway._eni.id, None)
    return gateway


def install() -> None:
    """Put all this in place of moto's; once per process."""
    FakeBucket.get_permission = get_permission
    S3Response.serialized = serialized
    EC2ContainerServiceBackend.list_clusters = list_clusters
    NatGatewayBackend.delete_nat_gateway = delete_nat_gateway
