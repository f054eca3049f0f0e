"""Three ways for a worker to come by its DAGs: baked in, from S3, from git."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto.server import ThreadedMotoServer

from image.bases import build_image
from image.conftest import Image, Starter
from unit.worker.task_run import run_task
from worker_image.build import ROOT

pytestmark = pytest.mark.engine

EXAMPLES = ROOT / "worker_image" / "examples"
DAG = """
from airflow.sdk import DAG, task

with DAG("d", schedule=None):

    @task
    def brought():
        print("brought by", __file__)

    brought()
"""
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def bundle(classpath, **kwargs):
    """Return the environment that makes a bundle the one that the payload names."""
    described = [{"name": "dags-folder", "classpath": classpath, "kwargs": kwargs}]
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(described)}


def on_top(image, example, files):
    """Build an example on the image under test."""
    name = f"airflow-fargate/test-{example.replace('_', '-')}:{image.airflow_version}"
    build_image(EXAMPLES / example / "Dockerfile", name, {"WORKER_IMAGE": image.name}, files)
    return Image(image.client, name)


def test_baked_in(image, airflow_version):
    """A DAG copied into the image is run without anything mounted or fetched."""
    baked = on_top(image, "baked_dags", {"dags/d.py": DAG})
    ran = run_task(Starter(baked), "brought", airflow_version=airflow_version)
    assert (ran.exit_code, ran.states) == (0, ["success"]), ran.output
    assert "brought by /opt/airflow/dags/d.py" in ran.output


def test_from_s3(image, airflow_version):
    """The image has what Airflow's S3 bundle needs, and a read-only container has room for it."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        s3 = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        s3.create_bucket(Bucket="dags")
        s3.put_object(Bucket="dags", Key="prod/d.py", Body=DAG.encode())
        kind = "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
        ran = run_task(
            Starter(image),
            "brought",
            airflow_version=airflow_version,
            environment={
                **CREDENTIALS,
                "AWS_ENDPOINT_URL": address,
                **bundle(kind, bucket_name="dags", prefix="prod"),
            },
        )
    finally:
        server.stop()
    assert (ran.exit_code, ran.states) == (0, ["success"]), ran.output
    assert "brought by /tmp/" in ran.output


@pytest.fixture
def repository(tmp_path):
    """A git repository with the DAG in it, served over HTTP on loopback; its address."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    work, bare = tmp_path / "work", tmp_path / "served" / "dags.git"
    (work / "dags").mkdir(parents=True)
    (work / "dags" / "d.py").write_text(DAG)
    git = (
        "git",
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "init.defaultBranch=main",
    )
    for words in (
        ("-C", str(work), "init", "--quiet"),
        ("-C", str(work), "add", "."),
        ("-C", str(work), "commit", "--quiet", "--message", "A DAG"),
        ("clone", "--quiet", "--bare", str(work), str(bare)),
        ("-C", str(bare), "update-server-info"),
    ):
        subprocess.run([*git, *words], check=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=bare.parent))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/dags.git"
    server.shutdown()
    server.server_close()


def test_from_git(image, airflow_version, repository):
    """With git and its provider on top, as in the example, the task's code comes from a repository."""
    requirements = (EXAMPLES / "git_bundle" / "requirements.txt").read_text()
    with_git = on_top(image, "git_bundle", {"requirements.txt": requirements})
    kind = "airflow.providers.git.bundles.git.GitDagBundle"
    ran = run_task(
        Starter(with_git),
        "brought",
        airflow_version=airflow_version,
        environment=bundle(kind, tracking_ref="main", subdir="dags", repo_url=repository),
    )
    assert (ran.exit_code, ran.states) == (0, ["success"]), ran.output
    assert "brought by /tmp/" in ran.output
