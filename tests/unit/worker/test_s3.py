"""Payloads in S3: requests, errors and their exit codes."""

from __future__ import annotations

import io

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, MetadataRetrievalError, NoCredentialsError
from botocore.utils import ContainerMetadataFetcher

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store
from airflow_fargate.worker.s3_parts import plainly
from aws_model import modelled


class Client:
    """An S3 client that raises one error, or returns a body."""

    def __init__(self, error=None):
        self.error = error
        self.calls = []

    def _answer(self, operation, arguments):
        self.calls.append((operation, arguments))
        if self.error:
            raise self.error

    def get_object(self, **arguments):
        self._answer("get_object", arguments)
        return {"Body": io.BytesIO(b"data")}

    def delete_object(self, **arguments):
        self._answer("delete_object", arguments)


def client_error(code):
    """Return botocore's error for a code of S3."""
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")


def test_an_object_is_fetched_and_deleted():
    """Both calls have the bucket and the key."""
    client = Client()
    store = S3Store(modelled("s3", client))
    assert store.fetch("payloads", "workloads/k") == b"data"
    store.delete("payloads", "workloads/k")
    place = {"Bucket": "payloads", "Key": "workloads/k"}
    assert client.calls == [("get_object", place), ("delete_object", place)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client_error("NoSuchKey"), ExitCode.PAYLOAD_MISSING),
        (client_error("NoSuchBucket"), ExitCode.PAYLOAD_MISSING),
        (client_error("AccessDenied"), ExitCode.TOKEN_REJECTED),
        (client_error("ExpiredToken"), ExitCode.TOKEN_REJECTED),
        (NoCredentialsError(), ExitCode.CONFIG_MISSING),
    ],
)
def test_each_error_of_s3_has_its_exit_code(error, code):
    """The message has the object's place."""
    with pytest.raises(WorkerError, match="s3://payloads/workloads/k") as caught:
        S3Store(modelled("s3", Client(error))).fetch("payloads", "workloads/k")
    assert caught.value.code is code


CONTAINER = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}


class Http:
    """botocore's connections, which record requests and answer with a status."""

    def __init__(self, status=200):
        self.status = status
        self.sent = []

    def send(self, request):
        """Return the answer."""
        self.sent.append(request)
        return AWSResponse(request.url, self.status, {}, None)


@pytest.fixture(autouse=True)
def _content(monkeypatch):
    monkeypatch.setattr(AWSResponse, "content", b"data")


def test_a_fargate_container_sends_a_signed_request_to_its_region():
    """It uses the bucket's host name and the session's token."""
    http = Http()
    assert plainly(CONTAINER, http)("GET", "payloads", "workloads/a b.json").content == b"data"
    (sent,) = http.sent
    assert sent.method == "GET"
    assert sent.url == "https://payloads.s3.us-east-1.amazonaws.com/workloads/a%20b.json"
    assert "token" in str(sent.headers["X-Amz-Security-Token"])
    assert "/us-east-1/s3/aws4_request" in str(sent.headers["Authorization"])


@pytest.mark.parametrize(
    "different",
    [
        {"AWS_DEFAULT_REGION": ""},
        {"AWS_DEFAULT_REGION": "cn-north-1"},
        {"AWS_DEFAULT_REGION": "us-gov-west-1"},
        {"AWS_DEFAULT_REGION": "us-iso-east-1"},
        {"AWS_PROFILE": "data"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_CA_BUNDLE": "/ca.pem"},
        {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/data"},
        {"HTTPS_PROXY": "http://proxy:3128"},
        {"https_proxy": "http://proxy:3128"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_SECRET_ACCESS_KEY": ""},
    ],
    ids=str,
)
def test_boto3_is_used_for_other_environments(different):
    """For example other partitions, profiles, proxies, CA bundles, and missing credentials."""
    assert plainly({**CONTAINER, **different}, Http()) is None


@pytest.mark.parametrize(("bucket", "status"), [("pay.loads", 200), ("payloads", 301), ("payloads", 503)])
def test_boto3_is_used_for_other_answers(bucket, status):
    """For example redirects and errors; and for a bucket name with dots, which needs another address."""
    assert plainly(CONTAINER, Http(status))("GET", bucket, "k") is None


def test_the_roles_credentials_come_from_the_containers_endpoint(monkeypatch):
    """If they are not available, boto3 tries longer and explains the error."""
    credentials = {
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    urls = []
    monkeypatch.setattr(
        ContainerMetadataFetcher,
        "retrieve_full_uri",
        lambda _, url, headers=None: urls.append(url) or credentials,
    )
    role = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"}
    http = Http()
    assert plainly(role, http)("DELETE", "payloads", "k").content == b"data"
    assert urls == ["http://169.254.170.2/v2/credentials/1"]
    assert "Credential=ASIA/" in str(http.sent[0].headers["Authorization"])

    def broken(*_, **__):
        raise MetadataRetrievalError(error_msg="connection refused")

    monkeypatch.setattr(ContainerMetadataFetcher, "retrieve_full_uri", broken)
    assert plainly(role, http) is None
