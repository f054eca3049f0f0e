"""What a container is handed: its command, the reference in it, the payload behind that."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_fargate.worker.command import parse_command
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import Payload, check_release, load_payload
from fuzz.strategies import AWKWARD_JSON, JSON, TOKEN, broken, texts_of

DOCUMENT = {
    "format": 1,
    "airflow_version": "3.3.2",
    "launch_id": "00000000-0000-4000-8000-000000000001",
    "key": "dag.task.run.1",
    "workload": {"type": "ExecuteTask", "token": TOKEN, "ti": {"id": "1"}},
}
TEXTS = broken(DOCUMENT).flatmap(texts_of) | texts_of(DOCUMENT) | AWKWARD_JSON


class Store:
    """A bucket that holds one object under every key."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def fetch(self, bucket: str, key: str) -> bytes:
        return self.content

    def delete(self, bucket: str, key: str) -> None:
        pass


def in_words(error: Exception) -> None:
    """Check what holds for every refusal: a sentence, and no token in it or behind it."""
    assert str(error).endswith(".")
    assert TOKEN not in repr(error) + str(error.__cause__ or "")


def loaded(reference: str, content: bytes = b"") -> Payload | None:
    """Load it; None when it was refused as it may be: with the declared error, a sentence, and no token."""
    try:
        payload = load_payload(reference, lambda: Store(content), lambda _: None)
        check_release(payload, "3.3.2")
    except WorkerError as error:
        in_words(error)
        return None
    assert TOKEN not in repr(payload)
    assert isinstance(payload.workload, dict)
    return payload


@given(TEXTS)
def test_a_document_is_a_payload_or_is_refused_in_words(text: str) -> None:
    """By every way that it can come."""
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(errors="surrogatepass"))).decode()
    inline = loaded(f"json:{text}")
    assert loaded(f"zlib:{packed}") == inline
    assert loaded("s3://bucket/key", text.encode(errors="surrogatepass")) == inline


@given(st.binary(max_size=40))
def test_bytes_are_a_payload_or_are_refused_in_words(content: bytes) -> None:
    """Whatever lies in the bucket, and whatever is packed."""
    assert loaded("s3://bucket/key", content) is None
    assert loaded(f"zlib:{base64.urlsafe_b64encode(content).decode()}") is None


@given(
    st.text(max_size=30)
    | st.sampled_from(["s3://", "s3://b", "s3:///k", "json", "zlib:", "zlib:====", "zlib:é"])
)
def test_a_reference_is_understood_or_refused_in_words(reference: str) -> None:
    """Any text; one that the operating system could not decode too."""
    assert loaded(reference + "\udcff") is None
    assert loaded(reference) is None


def test_a_payload_that_unpacks_without_end_is_refused() -> None:
    """40 MiB of zeros in 40 kB."""
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(40 * 1024 * 1024))).decode()
    with pytest.raises(WorkerError, match="32 MiB"):
        load_payload(f"zlib:{bomb}", lambda: Store(b""), lambda _: None)


@given(
    st.lists(
        st.text(max_size=12) | st.sampled_from(["airflow", "fargate", "run-workload", "python", "-m"]),
        max_size=5,
    )
)
def test_a_command_is_understood_or_refused_in_words(words: list[str]) -> None:
    """Whatever the container is told to run; a reference is not repeated in a refusal."""
    try:
        parse_command(words, python="/venv/bin/python")
        parse_command(["airflow", "fargate", "run-workload", f"json:{TOKEN}", *words], python="python")
    except WorkerError as error:
        in_words(error)


@given(JSON)
def test_any_release_is_compared(version: Any) -> None:
    """The same line or a sentence."""
    payload = Payload(str(version), "launch", "key", {})
    if str(version).split(".")[:2] == ["3", "3"]:
        check_release(payload, "3.3.2")
    else:
        with pytest.raises(WorkerError, match="Build the image"):
            check_release(payload, "3.3.2")
