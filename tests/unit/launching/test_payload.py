"""Payloads: in S3, inline, compressed, or rejected."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from airflow_fargate.launching.payload import InlinePayloads, S3Payloads, command_for, store_for, too_large
from aws_model import modelled
from unit.examples import an_attempt, launch_id


class Bucket:
    """Records what is put and deleted."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def put_object(self, **arguments: Any) -> None:
        self.calls.append(("put", arguments))

    def delete_object(self, **arguments: Any) -> None:
        self.calls.append(("delete", arguments))


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("workloads", f"workloads/{launch_id()}.json"),
        ("/a/b/", f"a/b/{launch_id()}.json"),
        ("", f"{launch_id()}.json"),
    ],
)
def test_an_object_per_launch_is_written_and_removed(prefix: str, key: str) -> None:
    """The reference has the object's address and nothing of its content."""
    bucket = Bucket()
    store = store_for({"s3": modelled("s3", bucket)}.__getitem__, "payloads", prefix)
    assert isinstance(store, S3Payloads)
    assert store.references(an_attempt(), '{"a": 1}') == [f"s3://payloads/{key}"]
    store.discard(an_attempt())
    put, delete = bucket.calls
    assert (put[1]["Key"], put[1]["Body"]) == (key, b'{"a": 1}')
    assert (delete[0], delete[1]["Key"]) == ("delete", key)


def test_without_a_bucket_there_are_two_references() -> None:
    """Both hold the document; the compressed one is shorter."""
    store = store_for(dict[str, Any]().__getitem__, "", "workloads")
    assert isinstance(store, InlinePayloads)
    document = json.dumps({"args": ["x" * 4000]})
    plain, packed = store.references(an_attempt(), document)
    assert plain == f"json:{document}"
    kind, _, text = packed.partition(":")
    assert kind == "zlib"
    assert zlib.decompress(base64.urlsafe_b64decode(text)).decode() == document
    assert len(packed) < len(plain)
    store.discard(an_attempt())


def test_the_command_has_the_reference() -> None:
    """In the form that the worker's entrypoint takes."""
    assert command_for("s3://b/k") == ["airflow", "fargate", "run-workload", "s3://b/k"]


def test_overrides_that_are_too_long_are_explained() -> None:
    """The remedy is a bucket, or a shorter command if there is one."""
    assert "payload_bucket" in str(too_large(9000, inline=True))
    assert "executor_config['env']" in str(too_large(9000, inline=False))
    assert "got 9000" in str(too_large(9000, inline=False))
