"""Reading the schedulers' statuses: which count, and what the page says if there is none."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_fargate.fleet.status import FORMAT
from airflow_fargate.page.app import CACHED_SECONDS, Cached
from airflow_fargate.page.statuses import OLD_SECONDS, read_statuses
from airflow_fargate.page.view import Snapshot
from aws_model import modelled
from scenarios.outages import refusal
from scenarios.world import CONFIG

NOW = 1_790_000_000.0


class Bucket:
    """S3 with one object of a team per age in seconds; ``error`` is raised by every call."""

    def __init__(
        self, *ages: float, error: Exception | None = None, form: int = FORMAT, team: str = ""
    ) -> None:
        self.objects: dict[str, dict[str, Any]] = {
            f"status/airflow/{age}.json": {
                "format": form,
                "written_at": NOW - age,
                "age": age,
                "team": team,
            }
            for age in ages
        }
        self.error = error
        self.got: list[str] = []

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        if self.error:
            raise self.error
        assert (Bucket, Prefix) == ("payloads", "status/airflow/")
        now = datetime.fromtimestamp(NOW + 600, tz=timezone.utc)  # S3's clock is another
        return {
            "Contents": [
                {"Key": key, "LastModified": now - timedelta(seconds=each["age"])}
                for key, each in self.objects.items()
            ]
        }

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.got.append(Key)
        return {"Body": io.BytesIO(json.dumps(self.objects[Key]).encode())}


def read(bucket: Bucket, **changes: Any) -> tuple[list[Any], str]:
    """Read it."""
    s3: Any = modelled("s3", bucket)
    return read_statuses(replace(CONFIG, **changes), lambda _: s3, NOW)


def test_every_running_schedulers_status_counts_and_an_ended_ones_does_not() -> None:
    """Objects of ended schedulers are not even fetched."""
    bucket = Bucket(3, 8, 3000)
    found, missing = read(bucket)
    assert [each["age"] for each in found] == [3, 8]
    assert missing == ""
    assert len(bucket.got) == 2


@pytest.mark.parametrize(
    ("bucket", "changes", "says"),
    [
        (Bucket(), {"payload_bucket": ""}, "payload_bucket is not set"),
        (Bucket(), {}, "No scheduler has written its status to s3://payloads/status/airflow/ yet"),
        (Bucket(OLD_SECONDS + 120), {}, "is 3 min 00 s old. No scheduler runs"),
        (Bucket(error=refusal("AccessDenied", "Access Denied", 403)), {}, "needs s3:ListBucket"),
        (Bucket(error=OSError("no network")), {}, "OSError: no network"),
        (Bucket(3, form=99), {}, "No scheduler has written its status"),
    ],
    ids=["no bucket", "nothing written", "too old", "no permission", "no network", "another release"],
)
def test_the_page_says_why_there_is_no_status(bucket: Bucket, changes: dict[str, Any], says: str) -> None:
    """What is missing, and what to do."""
    found, missing = read(bucket, **changes)
    assert found == []
    assert says in missing


def test_of_a_place_that_teams_share_each_reads_its_own() -> None:
    """Nothing keeps two teams from using one bucket."""
    s3: Any = modelled("s3", Bucket(3, team="sales"))
    assert read_statuses(CONFIG, lambda _: s3, NOW)[0] == []
    assert len(read_statuses(CONFIG, lambda _: s3, NOW, "sales")[0]) == 1


def test_statuses_are_read_every_ten_seconds_at_most_and_a_view_does_not_wait_for_another() -> None:
    """While S3 does not answer, the last snapshot is shown."""
    now, reads = [0.0], []

    def reading() -> Snapshot:
        reads.append(now[0])
        return Snapshot(now[0], (), ())

    cached = Cached(reading, lambda: now[0])
    assert cached.get() is cached.get()
    now[0] += CACHED_SECONDS
    assert cached.get().at == CACHED_SECONDS
    now[0] += CACHED_SECONDS
    cached._wait = 0.0
    with cached._reading:
        got: list[Snapshot] = []
        view = threading.Thread(target=lambda: got.append(cached.get()))
        view.start()
        view.join(60)
    assert got[0].at == CACHED_SECONDS
    assert len(reads) == 2
