"""The worker's plain way to S3, against moto's server, which checks signatures and policies here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store
from airflow_fargate.worker.s3_parts import plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "workloads/a b+ü.json"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of a server that knows the accounts in its IAM alone."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environ(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Return a container's environment, whose user may do everything with one bucket."""
    requests.post(f"{server}/moto-api/reset", timeout=10)
    anyone = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-central-1"}
    for name, value in {**anyone, "AWS_ENDPOINT_URL": server}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # Whatever credentials it had read before.
    session = boto3.session.Session()
    s3, iam = session.client("s3"), session.client("iam")
    s3.create_bucket(Bucket="payloads", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="payloads", Key=KEY, Body=b"data")
    iam.create_user(UserName="task")
    allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::payloads/*"]}
    iam.put_user_policy(
        UserName="task",
        PolicyName="payloads",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    made = iam.create_access_key(UserName="task")["AccessKey"]
    requests.post(f"{server}/moto-api/reset-auth", data=b"0", timeout=10)
    found = {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    yield found
    requests.post(f"{server}/moto-api/reset-auth", data=b"1000000", timeout=10)


def test_the_object_is_fetched_and_deleted_without_boto3s_client(environ: dict[str, str]) -> None:
    """The signature is taken, whatever stands in the key."""
    store = S3Store(environ=environ)
    assert store.fetch("payloads", KEY) == b"data"
    store.delete("payloads", KEY)
    assert "_client" not in vars(store)
    with pytest.raises(WorkerError, match="another container fetched it") as caught:
        store.fetch("payloads", KEY)
    assert caught.value.code is ExitCode.PAYLOAD_MISSING


def test_what_s3_refuses_is_said_by_boto3(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret: no object, and the sentence with S3's own code."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(WorkerError, match="SignatureDoesNotMatch") as caught:
        S3Store(environ={**environ, "AWS_SECRET_ACCESS_KEY": "wrong"}).fetch("payloads", KEY)
    assert caught.value.code is ExitCode.TOKEN_REJECTED


def test_an_endpoint_that_does_not_answer_is_boto3s_to_explain(environ: dict[str, str]) -> None:
    """No exception leaves the plain way."""
    request = plainly({**environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert request is not None
    assert request("GET", "payloads", KEY) is None


@pytest.mark.parametrize("by", ["parts", "boto3"])
def test_conditions_hold_by_either_way(environ: dict[str, str], by: str) -> None:
    """Written once, and read again only when it changed: a standby's answer and its offer."""
    store = S3Store(environ=environ) if by == "parts" else S3Store(boto3.session.Session().client("s3"))
    assert store.write_once("payloads", "standby/S/answer", b"took")
    assert not store.write_once("payloads", "standby/S/answer", b"left")
    found = store.fetch_unless("payloads", "standby/S/answer", "")
    assert found is not None
    assert found[0] == b"took"
    assert store.fetch_unless("payloads", "standby/S/answer", found[1]) is None
    assert ("_client" in vars(store)) == (by == "boto3")
