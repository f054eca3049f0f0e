"""Measures the time from a container's start to the first line of its task, at several CPU sizes.

It compares the worker image's entrypoint with the stock way, the command of the amazon provider's
AwsEcsExecutor (`python -m airflow.sdk.execution_time.execute_workload`). Both run in turns on this
machine's container engine. `--cpus` limits a container as Fargate's vCPU do. The task's first line reads
the container's CPU time.

Usage: python -m benchmarks.start_times [--image NAME] [--stock-image NAME] [--runs 5] [--cpus 2,1,0.5,0.25]

Without --image, both images are built on BASE_IMAGE: ours from its Dockerfile, the other with Airflow and its
amazon provider from pip. With --image alone, the stock way runs in that image too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import machine
from unit.worker.execution_api import ExecutionApi, serve
from unit.worker.task_run import payload

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = "airflow-fargate.airflow-version"
WAYS = {"stock": "the stock way", "ours": "this image", "s3": "this image, its payload in S3"}
STANDBY = "standby"
BUCKET, KEY = "payloads", "workloads/start.json"

DAG = """
import time

from airflow.sdk import DAG, task


def cpu_seconds():
    try:
        with open("/sys/fs/cgroup/cpuacct/cpuacct.usage") as file:  # cgroup v1
            return int(file.read()) / 1e9
    except FileNotFoundError:
        with open("/sys/fs/cgroup/cpu.stat") as file:
            return int(dict(line.split() for line in file)["usage_usec"]) / 1e6


with DAG("d", schedule=None):

    @task
    def ok():
        print("FIRST LINE", time.time(), cpu_seconds(), "END")

    ok()
"""


_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Start:
    """One container's start: seconds, and CPU seconds, until the task's first line."""

    wall: float
    cpu: float


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and return the exit code."""
    options = _options(arguments)
    if not options.image:
        options.image, options.stock_image = _built()
    release = _docker(
        "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', options.image
    )
    sizes = [float(size) for size in options.cpus.split(",")]
    with tempfile.TemporaryDirectory(prefix="start-times-") as scratch:
        dags = Path(scratch) / "dags"
        dags.mkdir()
        (dags / "d.py").write_text(DAG)
        for folder in (Path(scratch), dags):
            folder.chmod(0o755)
        with _bucket() as s3:
            found = {size: _measure(options, release, dags, size, s3) for size in sizes}
    print(table(found, release, options.runs))
    return 0


def table(found: dict[float, dict[str, list[Start]]], release: str, runs: int) -> str:
    """Return the medians as a Markdown table, followed by the machine and the date."""
    lines = [
        "| vCPU | wall: stock | this image | S3 | standby | CPU: stock | this image | ... with S3 | of it |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size, ways in found.items():
        wall = {way: statistics.median(start.wall for start in starts) for way, starts in ways.items()}
        cpu = {way: statistics.median(start.cpu for start in starts) for way, starts in ways.items()}
        cells = [f"{size:g}", *(f"{wall[way]:.1f} s" for way in WAYS), f"{wall[STANDBY]:.2f} s"]
        cells += [f"{cpu[way]:.2f} s" for way in WAYS]
        ratios = " and ".join(f"{100 * cpu[way] / cpu['stock']:.0f} %" for way in ("ours", "s3"))
        lines.append(f"| {' | '.join([*cells, ratios])} |")
    here = machine()
    where = f"{here['cores']} cores, {here['system']}, {dt.datetime.now(tz=dt.timezone.utc).date()}"
    load = f"load {os.getloadavg()[0]:.0f} at the end"
    said = "A standby's wall time begins when it has its task."
    return "\n".join(
        [*lines, "", f"(Medians of {runs} runs in turns, Airflow {release}; {where}, {load}. {said})"]
    )


def _built() -> tuple[str, str]:
    """Build the worker image and the stock image on the same base; return their names."""
    from image.bases import stock  # noqa: PLC0415  needs scripts that --image does not
    from worker_image import build  # noqa: PLC0415

    base, release = os.environ["BASE_IMAGE"], build.DEFAULT_AIRFLOW
    name = f"airflow-fargate/worker:{release}-plain"
    build.build({"AIRFLOW_VERSION": release, "BASE_IMAGE": base, "IMAGE": name})
    return name, stock(base, release)


@contextmanager
def _bucket() -> Iterator[str]:
    """Yield the address of an S3 server with one bucket."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  seconds that the table does not need

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        _s3(url).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        server.stop()


def _s3(url: str) -> Any:
    import boto3  # noqa: PLC0415  the same

    session = boto3.session.Session("local", "local", region_name="us-east-1")
    return session.client("s3", endpoint_url=url)


def _measure(
    options: argparse.Namespace, release: str, dags: Path, size: float, s3: str
) -> dict[str, list[Start]]:
    starts: dict[str, list[Start]] = {way: [] for way in (*WAYS, STANDBY)}
    for number in range(options.runs):
        for way, name in {**WAYS, STANDBY: "a standby of this image"}.items():
            start = _start(way, options, release, dags, size, s3)
            starts[way].append(start)
            _print(f"{size:g} vCPU, run {number + 1}, {name}: {start.wall:.2f} s, CPU {start.cpu:.2f} s")
    return starts


def _start(  # noqa: PLR0913, PLR0917  each is one property of a start
    way: str, options: argparse.Namespace, release: str, dags: Path, size: float, s3: str
) -> Start:
    """Start one container and return what its task measured."""
    document = payload("ok", release)
    with serve(ExecutionApi()) as api:
        settings = {
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": "/dags",
        }
        if way in ("s3", STANDBY):
            _s3(s3).put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(document).encode())
            settings |= {
                "AWS_ENDPOINT_URL": s3,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            }
        container = [
            *("run", "--detach", "--network", "host", "--cpus", str(size), "--volume", f"{dags}:/dags:ro"),
            *(word for name, value in settings.items() for word in ("--env", f"{name}={value}")),
        ]
        offer = f"standby/{uuid.uuid4()}/offer"
        if way == STANDBY:
            _put(s3, offer, {"open": {"poll": 0.1}})
            words = [options.image, "fargate", "standby", f"s3://{BUCKET}/{offer.rpartition('/')[0]}"]
        elif way != "stock":
            reference = f"s3://{BUCKET}/{KEY}" if way == "s3" else f"json:{json.dumps(document)}"
            words = [options.image, "fargate", "run-workload", reference]
        else:
            container += ["--entrypoint", "python"]
            module = "airflow.sdk.execution_time.execute_workload"
            words = [options.stock_image or options.image, "-m", module]
            words += ["--json-string", json.dumps(document["workload"])]
        name = _docker(*container, *words)
        try:
            if way == STANDBY:
                _wait_for(name, "is ready")
                _put(s3, offer, {"launch": "L", "payload": json.dumps(document)})
            _docker("wait", name)
            began = _seconds(_docker("inspect", "--format", "{{.State.StartedAt}}", name))
            log = _docker("logs", name)
            if way == STANDBY:
                began = _seconds(_line(_docker("logs", "--timestamps", name), " runs L.").split()[0])
        finally:
            _docker("rm", "--force", name)
    _, found, rest = log.partition("FIRST LINE ")
    if not found:
        raise SystemExit(f"start-times: the task did not start:\n{log}")
    seen, cpu = rest.split()[:2]
    return Start(float(seen) - began, float(cpu))


def _put(s3: str, key: str, content: dict[str, Any]) -> None:
    _s3(s3).put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content).encode())


def _line(log: str, words: str) -> str:
    found = next((line for line in log.splitlines() if words in line), None)
    if found is None:
        raise SystemExit(f"start-times: the container never said {words!r}:\n{log}")
    return found


def _wait_for(name: str, words: str) -> None:
    """Wait until a container has said this, and idles."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while words not in (log := _docker("logs", name)):
        if time.monotonic() > until:
            raise SystemExit(f"start-times: the container never said {words!r}:\n{log}")
        time.sleep(0.2)
    time.sleep(1)


def _seconds(stamp: str) -> float:
    """Convert a time stamp of the engine, which has nanoseconds, to seconds since the epoch."""
    return dt.datetime.fromisoformat(stamp[:26].rstrip("Z") + "+00:00").timestamp()


def _docker(*words: str) -> str:
    done = subprocess.run(
        [os.environ.get("DOCKER", "docker"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if words[0] == "logs" else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"start-times: docker {words[0]} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="start-times", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--image", help="the worker image; by default, both images are built on BASE_IMAGE")
    parser.add_argument("--stock-image", help="the image of the stock way; by default the worker image")
    parser.add_argument("--runs", type=int, default=5, help="containers of each way at each size")
    parser.add_argument("--cpus", default="2,1,0.5,0.25", help="vCPU sizes, separated by commas")
    return parser.parse_args(arguments)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
