"""A real standby process: Airflow's own supervisor, S3 by moto's server, the stand-in API server."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import time
from importlib.metadata import version

import boto3
import pytest
from moto.server import ThreadedMotoServer

from airflow_fargate.exit_codes import ExitCode
from unit.worker.execution_api import ExecutionApi, serve
from unit.worker.task_run import TOKEN, local_worker, payload

AIRFLOW = version("apache-airflow-core")
KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
DAG = """
import json
import sys
import time

from airflow.sdk import DAG, Variable, task

with DAG("d", schedule=None):

    @task
    def ok():
        print("FIRST LINE", time.time(), "END")
        with open(MODULES, "w") as file:
            json.dump(sorted(sys.modules), file)

    ok()
"""


@pytest.fixture(scope="module")
def server():
    """Return the address of an S3."""
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(server):
    """Return a client of an S3 with one standby's open offer in it."""
    client = boto3.session.Session(**KEYS).client("s3", endpoint_url=server)
    client.create_bucket(Bucket="payloads")
    for each in client.list_objects_v2(Bucket="payloads").get("Contents") or ():
        client.delete_object(Bucket="payloads", Key=each["Key"])
    opened = json.dumps({"open": {"poll": 0.1, "preload": ["no.such.module", "note_modules"]}})
    client.put_object(Bucket="payloads", Key="standby/S/offer", Body=opened.encode())
    return client


@pytest.fixture
def standby(tmp_path, server, s3):
    """Start a standby that is ready; yields the process, what it said so far, and the API server."""
    (tmp_path / "dags").mkdir()
    modules = tmp_path / "modules.json"
    (tmp_path / "dags" / "d.py").write_text(DAG.replace("MODULES", repr(str(modules))))
    idle = tmp_path / "idle.json"
    (tmp_path / "note_modules.py").write_text(
        f"import json, sys\n\njson.dump(sorted(sys.modules), open({str(idle)!r}, 'w'))\n"
    )
    (tmp_path / "airflow.cfg").write_text("")
    with serve(ExecutionApi()) as api:
        environment = {
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
            "AWS_ENDPOINT_URL": server,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        words = ["airflow", "fargate", "standby", "s3://payloads/standby/S"]
        with local_worker(tmp_path)(words, environment) as process:
            said = ""
            while "is ready" not in said:
                line = process.stdout.readline()
                assert line, f"it ended before it was ready: {said}"
                said += line
            yield process, said, api, modules, idle
            process.kill()


def objects(s3):
    """Return what the bucket holds."""
    found = s3.list_objects_v2(Bucket="payloads").get("Contents") or ()
    return {
        each["Key"]: s3.get_object(Bucket="payloads", Key=each["Key"])["Body"].read().decode()
        for each in found
    }


def test_one_task_runs_in_a_ready_container_which_then_exits_with_its_outcome(standby, s3):
    """Claimed, offer and token deleted, one task, its exit code. The task imports nothing anew."""
    process, said, api, modules, idle = standby
    assert "standby_preload: no.such.module cannot be imported" in said
    document = json.dumps(payload("ok", AIRFLOW))
    offer = json.dumps({"launch": "L", "payload": document})
    offered_at = time.time()
    s3.put_object(Bucket="payloads", Key="standby/S/offer", Body=offer.encode())
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, api.states()) == (ExitCode.SUCCESS, ["success"]), output
    assert TOKEN not in said + output
    assert objects(s3) == {"standby/S/answer": '{"took": "L"}'}
    first_line = float(re.search(r"FIRST LINE ([\d.]+)", output).group(1))
    assert first_line - offered_at < 10  # A broken machine; `make start-times` measures it.
    fresh = set(json.loads(modules.read_text())) - set(json.loads(idle.read_text()))
    assert {each for each in fresh if not each.startswith("unusual_prefix_")} == set(), (
        "Imported by a task, and not by an idle standby: add it to worker/standby_imports.py."
    )


def test_sigterm_leaves_no_offer_that_somebody_waits_for(standby, s3):
    """StopTask, Spot, a deployment that ends: exit code 79, and the answer says that it left."""
    process, _, api, *_ = standby
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == ExitCode.NOT_USED, output
    assert json.loads(objects(s3)["standby/S/answer"]) == {"left": "SIGTERM"}
    assert api.calls == []
