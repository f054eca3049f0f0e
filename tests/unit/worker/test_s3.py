"""Payloads in S3: what botocore answers, and what the container says."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store
from aws_model import modelled


class Client:
    """An S3 client that answers with one error; else with a body where something is fetched."""

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
    """Return botocore's error for a code of S3's."""
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")


def test_fetches_and_deletes_the_object():
    """Both calls name the bucket and the key."""
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
        (client_error("AccessDenied"), ExitCode.TOKEN_REFUSED),
        (NoCredentialsError(), ExitCode.CONFIG_MISSING),
    ],
)
def test_says_what_s3_answered(error, code):
    """Each kind of failure has its own exit code and a sentence with the object's place."""
    with pytest.raises(WorkerError, match="s3://payloads/workloads/k") as caught:
        S3Store(modelled("s3", Client(error))).fetch("payloads", "workloads/k")
    assert caught.value.code is code
