"""Payloads in S3: what botocore answers, and what the container says."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store


class Client:
    """An S3 client that answers with one error, or one body."""

    def __init__(self, error=None):
        self.error = error
        self.calls = []

    def _answer(self, operation, arguments):
        self.calls.append((operation, arguments))
        if self.error:
            raise self.error
        return {"Body": io.BytesIO(b"data")}

    def get_object(self, **arguments):
        return self._answer("get_object", arguments)

    def delete_object(self, **arguments):
        return self._answer("delete_object", arguments)


def client_error(code):
    """Return botocore's error for a code of S3's."""
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetObject")


def test_fetches_and_deletes_the_object():
    """Both calls name the bucket and the key."""
    client = Client()
    store = S3Store(client)
    assert store.fetch("b", "k") == b"data"
    store.delete("b", "k")
    place = {"Bucket": "b", "Key": "k"}
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
    with pytest.raises(WorkerError, match="s3://b/k") as caught:
        S3Store(Client(error)).fetch("b", "k")
    assert caught.value.code is code
