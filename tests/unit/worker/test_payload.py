"""Payloads: what a reference leads to, and what is refused."""

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
    """An object store in memory that counts what is deleted."""

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
    """Load with a store that must not be asked for unless given."""

    def make_store():
        assert store is not None, "no store may be made for an inline payload"
        return store

    return load_payload(reference, make_store, (warnings if warnings is not None else []).append)


def packed(document):
    """Return a document as the executor compresses it."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(document).encode())).decode()


def refused(reference, store=None):
    """Return the error for a reference, having checked that it shows no token."""
    with pytest.raises(WorkerError) as caught:
        load(reference, store)
    assert TOKEN not in str(caught.value)
    return caught.value


def test_reads_raw_json():
    """`json:` carries the document as it is, and needs no S3."""
    payload = load("json:" + json.dumps(DOCUMENT))
    assert (payload.airflow_version, payload.launch_id, payload.key) == ("3.3.2", "5f0c", "d.t.r.1")
    assert payload.workload == DOCUMENT["workload"]


def test_reads_compressed_json():
    """`zlib:` carries it compressed, in URL-safe base64, with or without padding."""
    assert load("zlib:" + packed(DOCUMENT)) == load("zlib:" + packed(DOCUMENT).rstrip("="))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), min_size=1, max_size=20))
def test_compression_loses_nothing(workload):
    """Whatever a workload holds comes out of `zlib:` as it went in."""
    assert load("zlib:" + packed({**DOCUMENT, "workload": workload})).workload == workload


def test_deletes_from_s3_what_it_has_read():
    """A payload in S3 is deleted once it has been fetched and understood."""
    store = Store({("b", "workloads/x/1.json"): json.dumps(DOCUMENT).encode()})
    assert load("s3://b/workloads/x/1.json", store).launch_id == "5f0c"
    assert store.objects == {}


def test_keeps_in_s3_what_it_cannot_read():
    """A payload that was not understood stays, for whoever looks for the reason."""
    store = Store({("b", "k"): b"{"})
    assert refused("s3://b/k", store).code is ExitCode.PAYLOAD_INVALID
    assert store.objects


def test_a_failed_deletion_does_not_fail_the_task():
    """The task runs, and one line says what stayed."""
    store = Store({("b", "k"): json.dumps(DOCUMENT).encode()}, WorkerError(ExitCode.TOKEN_REFUSED, "denied."))
    warnings = []
    assert load("s3://b/k", store, warnings).launch_id == "5f0c"
    assert len(warnings) == 1
    assert "denied." in warnings[0]


def test_a_missing_payload_has_its_own_code():
    """Nothing under the key: PAYLOAD_MISSING."""
    assert refused("s3://b/k", Store()).code is ExitCode.PAYLOAD_MISSING


@pytest.mark.parametrize(
    "reference",
    ["", "x", "s3://", "s3://bucket", "s3://bucket/", "s3:bucket/key", "https://b/k", f"file:{TOKEN}"],
)
def test_refuses_other_references(reference):
    """What is no reference of the three kinds is a bad command."""
    assert refused(reference).code is ExitCode.BAD_COMMAND


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
def test_refuses_what_it_does_not_understand(reference):
    """Damaged, foreign or incomplete documents are PAYLOAD_INVALID, and are never quoted."""
    assert refused(reference).code is ExitCode.PAYLOAD_INVALID


def test_refuses_what_unpacks_to_too_much(monkeypatch):
    """A small reference cannot fill the container's memory."""
    monkeypatch.setattr(payload_module, "MAX_BYTES", 100)
    assert refused("zlib:" + packed({**DOCUMENT, "padding": "x" * 1000})).code is ExitCode.PAYLOAD_INVALID


@pytest.mark.parametrize(("sent", "installed", "fits"), [("3.3.2", "3.3.0", True), ("3.2.2", "3.3.2", False)])
def test_wants_the_same_release_line(sent, installed, fits):
    """Patch releases mix; minor releases do not, and the sentence names both."""
    payload = Payload(sent, "l", "k", {})
    if fits:
        check_release(payload, installed)
        return
    with pytest.raises(WorkerError, match=f"{sent}.*{installed}") as caught:
        check_release(payload, installed)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_its_repr_does_not_show_the_workload():
    """A payload in a log line or a traceback shows no token."""
    assert TOKEN not in repr(load("json:" + json.dumps(DOCUMENT)))
