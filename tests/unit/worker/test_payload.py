"""Loading payloads, and rejecting invalid ones."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import payload as payload_module
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import Payload, check_release, load_payload

TOKEN = "eyJ-the-token"
DOCUMENT = {
    "format": 1,
    "airflow_version": "3.3.2",
    "launch_id": "5f0c",
    "key": "d.t.r.1",
    "workload": {"token": TOKEN, "type": "ExecuteTask"},
}


class Store:
    """An object store in memory."""

    def __init__(self, objects=None, deletion_error=None):
        self.objects = dict(objects or {})
        self.deletion_error = deletion_error

    def fetch(self, bucket, key):
        try:
            return self.objects[bucket, key]
        except KeyError:
            raise WorkerError(ExitCode.PAYLOAD_MISSING, "not there") from None

    def delete(self, bucket, key):
        if self.deletion_error:
            raise self.deletion_error
        del self.objects[bucket, key]


def load(reference, store=None, warnings=None):
    """Load a payload; without a store, fail if one is needed."""

    def make_store():
        assert store is not None, "no store may be made for an inline payload"
        return store

    return load_payload(reference, make_store, (warnings if warnings is not None else []).append)


def packed(document):
    """Return a document as the executor compresses it."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(document).encode())).decode()


def rejected(reference, store=None):
    """Return the error for a reference, after checking that it has no token."""
    with pytest.raises(WorkerError) as caught:
        load(reference, store)
    assert TOKEN not in str(caught.value)
    return caught.value


def test_a_json_reference_holds_the_document():
    """It needs no S3."""
    payload = load("json:" + json.dumps(DOCUMENT))
    assert (payload.airflow_version, payload.launch_id, payload.key) == ("3.3.2", "5f0c", "d.t.r.1")
    assert payload.workload == DOCUMENT["workload"]


def test_a_zlib_reference_holds_the_compressed_document():
    """It is URL-safe base64, with or without padding."""
    assert load("zlib:" + packed(DOCUMENT)) == load("zlib:" + packed(DOCUMENT).rstrip("="))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), min_size=1, max_size=20))
def test_compression_loses_nothing(workload):
    """Any workload is the same after compression."""
    assert load("zlib:" + packed({**DOCUMENT, "workload": workload})).workload == workload


def test_a_payload_in_s3_is_deleted_after_it_was_parsed():
    """Its token must not stay in the bucket."""
    store = Store({("b", "workloads/x/1.json"): json.dumps(DOCUMENT).encode()})
    assert load("s3://b/workloads/x/1.json", store).launch_id == "5f0c"
    assert store.objects == {}


def test_an_invalid_payload_stays_in_s3():
    """It is kept to find the reason."""
    store = Store({("b", "k"): b"{"})
    assert rejected("s3://b/k", store).code is ExitCode.PAYLOAD_INVALID
    assert store.objects


def test_a_failed_deletion_does_not_fail_the_task():
    """The task runs, and one line reports the object."""
    store = Store(
        {("b", "k"): json.dumps(DOCUMENT).encode()}, WorkerError(ExitCode.TOKEN_REJECTED, "denied.")
    )
    warnings = []
    assert load("s3://b/k", store, warnings).launch_id == "5f0c"
    assert len(warnings) == 1
    assert "denied." in warnings[0]


def test_a_missing_payload_has_its_own_code():
    """The exit code is PAYLOAD_MISSING."""
    assert rejected("s3://b/k", Store()).code is ExitCode.PAYLOAD_MISSING


@pytest.mark.parametrize(
    "reference",
    ["", "x", "s3://", "s3://bucket", "s3://bucket/", "s3:bucket/key", "https://b/k", f"file:{TOKEN}"],
)
def test_other_references_are_rejected(reference):
    """The exit code is BAD_COMMAND."""
    assert rejected(reference).code is ExitCode.BAD_COMMAND


@pytest.mark.parametrize(
    "reference",
    [
        "json:" + json.dumps(DOCUMENT)[:-1],
        "json:[]",
        "json:" + json.dumps({**DOCUMENT, "format": 2}),
        "json:" + json.dumps({**DOCUMENT, "format": TOKEN}),
        "json:" + json.dumps({k: v for k, v in DOCUMENT.items() if k != "key"}),
        "json:" + json.dumps({**DOCUMENT, "workload": TOKEN}),
        "zlib:" + TOKEN,
        "zlib:" + packed(DOCUMENT)[:-8],
        "zlib:\xff",
    ],
)
def test_invalid_payloads_are_rejected(reference):
    """Damaged, foreign or incomplete documents are PAYLOAD_INVALID, and are never quoted."""
    assert rejected(reference).code is ExitCode.PAYLOAD_INVALID


def test_a_payload_that_unpacks_to_too_much_is_rejected(monkeypatch):
    """A small reference cannot fill the container's memory."""
    monkeypatch.setattr(payload_module, "MAX_BYTES", 100)
    assert rejected("zlib:" + packed({**DOCUMENT, "padding": "x" * 1000})).code is ExitCode.PAYLOAD_INVALID


@pytest.mark.parametrize(("sent", "installed", "fits"), [("3.3.2", "3.3.0", True), ("3.2.2", "3.3.2", False)])
def test_the_minor_release_must_match(sent, installed, fits):
    """Patch releases may differ. For other releases the message names both."""
    payload = Payload(sent, "l", "k", {})
    if fits:
        check_release(payload, installed)
        return
    with pytest.raises(WorkerError, match=f"{sent}.*{installed}") as caught:
        check_release(payload, installed)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_the_repr_has_no_token():
    """A payload may appear in a log line or a traceback."""
    assert TOKEN not in repr(load("json:" + json.dumps(DOCUMENT)))
