"""The standby protocol by boto3, against moto's S3: the conditions are S3's own, and so are its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Answer
from airflow_fargate.standby.store import Objects

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def objects() -> Iterator[Objects]:
    """Return an empty bucket's objects."""
    with mock_aws():
        s3 = boto3.session.Session(
            aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
        ).client("s3")
        s3.create_bucket(Bucket="payloads")
        yield Objects(lambda _: s3, "payloads", "team/")


def test_a_launch_is_handed_over_once(objects: Objects) -> None:
    """Announced, decided, offered, claimed, acknowledged; each of it a second time is rejected."""
    assert objects.reference("S") == "s3://payloads/team/standby/S"
    assert objects.do(protocol.announce("S", {"poll": 1}))
    assert not objects.do(protocol.announce("S", {"poll": 1}))
    etag = objects.open_offer("S")
    assert objects.do(protocol.decide("L", "S", "arn"))
    assert objects.do(protocol.make_offer("L", "S", etag, lambda: "token"))
    assert objects.open_offer("S") == ""
    assert not objects.do(protocol.dismiss("S", etag, "surplus"))
    assert not objects.do(protocol.make_offer("M", "S", etag, lambda: "token"))
    assert objects.do(protocol.acknowledge("L", "S")) is Answer.NONE
    assert objects.do(protocol.claim("S", {"launch": "L", "payload": "token"})) == "token"
    assert objects.do(protocol.acknowledge("L", "S")) is Answer.TOOK
    assert objects.do(protocol.recall("L", "S"))
    assert objects.do(protocol.settle("L", fence=True)) == "arn"
    assert not objects.do(protocol.dismiss("S", etag, "its offer is deleted"))


def test_a_recalled_launch_is_never_claimed(objects: Objects) -> None:
    """By the new scheduler, before the container came to it."""
    objects.do(protocol.announce("S", {}))
    etag = objects.open_offer("S")
    objects.do(protocol.decide("L", "S", "arn"))
    objects.do(protocol.make_offer("L", "S", etag, lambda: "token"))
    assert objects.do(protocol.settle("L", fence=True)) == ""
    assert objects.do(protocol.claim("S", {"launch": "L", "payload": "token"})) == ""
    assert objects.do(protocol.settle("another", fence=False)) == ""
