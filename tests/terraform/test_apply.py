"""Apply, second plan and destroy against an emulator."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from terraform import emulator, plan_differences
from terraform.conftest import REPOSITORY
from terraform.iam import ACCOUNT

if TYPE_CHECKING:
    from terraform.conftest import Run

pytestmark = pytest.mark.apply


@pytest.fixture
def stack(copied: Path, tmp_path: Path, run: Run, request: pytest.FixtureRequest) -> Path:
    """Return a root in a copy of its own, with the provider's local options, initialised."""
    copy = tmp_path / "terraform"
    shutil.copytree(copied, copy, ignore=shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "tests"))
    folder = copy / getattr(request, "param", "examples/complete")
    shutil.copy(Path(__file__).with_name("local_override.tf"), folder)
    done = run(folder, "init", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


WATCHED = {"name": "watched", "nat": "none", "observability": True}
PUBLIC = {"name": "public", "nat": "public", "tags": {"cost": "a+b"}}


@pytest.mark.parametrize("variables", [{}, WATCHED, PUBLIC], ids=["defaults", "watched", "public"])
def test_the_stack_comes_stays_and_goes(
    variables: dict[str, object], stack: Path, tmp_path: Path, run: Run
) -> None:
    """Apply succeeds, a second plan changes nothing but the known, and destroy leaves nothing behind."""
    inputs = json.dumps(variables | {"force_destroy": True})
    (stack / "test.auto.tfvars.json").write_text(inputs, encoding="utf-8")
    unasked = ["-auto-approve", "-no-color", "-parallelism=40"]
    with emulator.moto(tmp_path / "moto.log") as url:
        applied = run(stack, "apply", *unasked, AWS_ENDPOINT_URL=url)
        assert applied.returncode == 0, applied.stdout + applied.stderr

        planned = run(stack, "plan", "-no-color", "-out=second.tfplan", AWS_ENDPOINT_URL=url)
        assert planned.returncode == 0, planned.stdout + planned.stderr
        plan = json.loads(run(stack, "show", "-json", "second.tfplan").stdout)
        found = plan_differences.unexpected(plan, plan_differences.known_differences())
        assert [str(difference) for difference in found] == []

        destroyed = run(stack, "destroy", *unasked, AWS_ENDPOINT_URL=url)
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        assert emulator.left_over(url) == {}


def repository(name: str) -> str:
    """Return an image in a repository of the emulated account, as a push records it."""
    return f"{ACCOUNT}.dkr.ecr.{emulator.REGION}.amazonaws.com/airflow/{name}:v1@sha256:{'0' * 64}"


IMAGES = {"airflow": "3.3.2", "worker": repository("worker"), "control": repository("control")}


@pytest.mark.parametrize("stack", ["airflow_on_ecs"], indirect=True)
def test_a_whole_airflow_comes_and_goes(
    stack: Path, tmp_path: Path, run: Run, terraform_environment: dict[str, str]
) -> None:
    """Two applies make Airflow, no secret is in the state, and make destroy leaves only a snapshot."""
    unasked = ["-auto-approve", "-no-color", "-parallelism=40"]
    with emulator.moto(tmp_path / "moto.log") as url:
        applied = run(stack, "apply", *unasked, AWS_ENDPOINT_URL=url)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        run(stack, "plan", "-no-color", "-out=second.tfplan", AWS_ENDPOINT_URL=url)
        plan = json.loads(run(stack, "show", "-json", "second.tfplan").stdout)
        found = plan_differences.unexpected(plan, plan_differences.known_differences())
        assert [str(difference) for difference in found] == []

        # The emulator runs no containers, so nothing would become steady.
        inputs = json.dumps({"images": IMAGES, "wait_for_steady_state": False})
        (stack / "images.auto.tfvars.json").write_text(inputs, encoding="utf-8")
        again = run(stack, "apply", *unasked, AWS_ENDPOINT_URL=url)
        assert again.returncode == 0, again.stdout + again.stderr
        services = emulator.client(url, "ecs").list_services(cluster="airflow")["serviceArns"]
        assert sorted(arn.rpartition("/")[2] for arn in services) == [
            "api",
            "dag-processor",
            "scheduler",
            "triggerer",
        ]

        state = (stack / "terraform.tfstate").read_text(encoding="utf-8")
        values = secret_values(url)
        assert len(values) == 5
        assert [value for value in values if value in state] == []

        destroyed = make_destroy(stack, url, terraform_environment)
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        assert emulator.left_over(url) == {}
        snapshots = emulator.client(url, "rds").describe_db_snapshots()["DBSnapshots"]
        assert [each["DBSnapshotIdentifier"].rpartition("-airflow-")[0] for each in snapshots] == ["airflow"]


def secret_values(url: str) -> list[str]:
    """Return the value of each secret of the emulated account; of JSON, its password."""
    secrets = emulator.client(url, "secretsmanager")
    found = []
    for secret in secrets.list_secrets()["SecretList"]:
        text = secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        found.append(json.loads(text)["password"] if text.startswith("{") else text)
    return found


def make_destroy(stack: Path, url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run destroy.py, and type the deployment's name."""
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "terraform" / "destroy.py"), f"TERRAFORM_DIR={stack}"],
        env=environment | {"AWS_ENDPOINT_URL": url},
        input="airflow\n",
        capture_output=True,
        text=True,
        check=False,
    )
