"""The control image in real containers: a PostgreSQL and Secrets Manager beside it, and a read-only root."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import boto3
import pytest

from contract.control.conftest import aws, database
from image.bases import build_image
from image.conftest import Image
from image.test_bundles import DAG, EXAMPLES

pytestmark = pytest.mark.engine

__all__ = ["aws", "database"]
READ_ONLY = ("--read-only", "--tmpfs", "/tmp:mode=1777", "--tmpfs", "/opt/airflow/logs:mode=1777")  # noqa: S108
READY = re.compile(r"the database is ready for Airflow \S+")
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


class Component:
    """Containers of the control image, as ECS starts those of the API service.

    Args:
        image: the image.
        environment: their environment.
    """

    def __init__(self, image, environment):
        self.image = image
        settings = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        self.options = (*READ_ONLY, "--network", "host", *settings)

    def run(self, *words, options=()):
        """Run one to its end; return the exit code and what it printed."""
        done = self.image.run(*words, options=(*self.options, *options))
        return done.returncode, done.stdout + done.stderr

    def start(self, *words, options=()):
        """Start one."""
        command = self.image.command(*words, options=(*self.options, *options))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def admin(database, aws):
    """The secret with the admin's login: its ARN, and what sets another password in it."""
    client = boto3.client("secretsmanager", endpoint_url=aws)
    arn = client.create_secret(Name="admin", SecretString="{}")["ARN"]

    def set_password(password):
        client.put_secret_value(
            SecretId=arn, SecretString=json.dumps({"username": "admin", "password": password})
        )
        return arn

    set_password("first-password")
    return set_password


@pytest.fixture(scope="module")
def api(control, database, admin):
    """Containers with the API service's environment."""
    environment = database.environment | {
        "AIRFLOW_FARGATE_ADMIN_SECRET_ARN": admin("first-password"),
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef" * 4,
        "AIRFLOW__API__SECRET_KEY": "0123456789abcdef",
        "AIRFLOW__CORE__FERNET_KEY": "0123456789abcdef0123456789abcdef0123456789A=",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "HOME": "/tmp",  # noqa: S108  as in the task definition
        "PGSSLMODE": "disable",  # this server has no certificate
    }
    return Component(control, environment)


@pytest.fixture(scope="module")
def prepared(api):
    """A database that two `prepare` at once have made ready."""
    first, second = api.start("prepare"), api.start("prepare")
    outputs = [process.communicate(timeout=280)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert all(READY.search(output) for output in outputs), outputs
    assert sum("creating the tables" in output for output in outputs) == 1, outputs
    return api


def test_a_database_that_is_ready_costs_under_a_second_of_cpu(prepared):
    """Nothing of Airflow is imported: on a quarter of a vCPU that would be half a minute at each start."""
    script = (
        "import resource, subprocess;"
        "code = subprocess.run(['airflow-fargate-control', 'prepare']).returncode;"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(code, used.ru_utime + used.ru_stime)"
    )
    code, output = prepared.run("python", "-c", script)
    assert (code, READY.search(output) is not None) == (0, True), output
    exit_code, cpu = output.split()[-2:]
    assert (exit_code, float(cpu) < 1.0) == ("0", True), output


@pytest.mark.parametrize(
    ("table", "revision", "named"),
    [
        ("alembic_version", "29ce7909c52b", ["Airflow 3.0.0", "older"]),
        ("alembic_version", "0123456789ab", ["0123456789ab", "newer"]),
        ("alembic_version_fab", "0123456789ab", ["FAB", "newer"]),
    ],
)
def test_another_release_s_database_ends_it(prepared, database, table, revision, named):
    """One sentence, exit code 1, and the database stays as it was."""
    found = f"SELECT version_num FROM {table}"  # noqa: S608  our own names
    database.execute(f"CREATE TABLE kept AS {found}; UPDATE {table} SET version_num = '{revision}'")  # noqa: S608
    try:
        code, output = prepared.run("prepare")
    finally:
        database.execute(f"UPDATE {table} SET version_num = (TABLE kept); DROP TABLE kept")  # noqa: S608
    assert (code, len(output.strip().splitlines())) == (1, 1), output
    assert all(word in output for word in named), output


def test_the_api_server_lets_the_admin_in_and_says_that_it_is_alive(prepared, admin):
    """Read-only and not as root: a wrong password is refused, and `admin` makes a new one count."""
    name = f"control-test-{uuid.uuid4().hex[:8]}"
    server = prepared.start("api-server", "--workers", "1", options=("--name", name))
    try:
        alive = [prepared.image.client, "exec", name, "airflow-fargate-control", "alive", "api"]
        until = time.monotonic() + 200
        while subprocess.run(alive, capture_output=True, check=False).returncode:
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < until, subprocess.run(alive, capture_output=True, check=False).stdout
            time.sleep(1)
        assert log_in("first-password") == 201
        admin("second-password")
        assert log_in("second-password") == 401
        code, output = prepared.run("admin")
        assert code == 0, output
        assert "second-password" not in output
        assert log_in("second-password") == 201
        assert log_in("first-password") == 401
    finally:
        subprocess.run([prepared.image.client, "rm", "-f", name], capture_output=True, check=False)
        server.wait(60)


def log_in(password):
    """Log in as the admin; return the status."""
    body = json.dumps({"username": "admin", "password": password}).encode()
    request = urllib.request.Request(
        "http://127.0.0.1:8080/auth/token", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_what_is_added_to_the_worker_image_is_added_by_the_same_dockerfile(control):
    """A folder of one's own, given to both images: the DAG is where the worker has it."""
    name = f"airflow-fargate/test-control-dags:{control.airflow_version}"
    build_image(
        EXAMPLES / "baked_dags" / "Dockerfile", name, {"WORKER_IMAGE": control.name}, {"dags/d.py": DAG}
    )
    added = Image(control.client, name)
    listed = added.run("bash", "-c", "ls /opt/airflow/dags && airflow-fargate-control version")
    assert listed.stdout.split()[0] == "d.py", listed.stderr
    assert listed.stdout.split()[-1] == control.airflow_version


def test_tls_to_rds_is_verified_by_default(control):
    """Host name and certificate, with the roots that AWS publishes for RDS."""
    script = (
        "import os, ssl; context = ssl.create_default_context(cafile=os.environ['PGSSLROOTCERT']);"
        "print(os.environ['PGSSLMODE'], context.cert_store_stats()['x509_ca'] > 80)"
    )
    assert control.python(script) == "verify-full True\n"


def test_local_settings_of_one_s_own_take_effect_too(control):
    """A user's airflow_local_settings.py keeps its usual place, and the engines stay the image's."""
    script = (
        "import os, pathlib; os.environ['AIRFLOW_HOME'] = '/tmp/home';"
        "folder = pathlib.Path('/tmp/home/config');"
        "folder.mkdir(parents=True); (folder / 'airflow_local_settings.py').write_text('MINE = 7');"
        "from airflow import settings; settings.import_local_settings();"
        "print(settings.MINE, settings.create_metadata_engine.__module__)"
    )
    assert control.python(script).split("\n")[-2] == "7 airflow_fargate.control.metadata_engine"
