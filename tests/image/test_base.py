"""On a base that brings Airflow: what it has stays, and only what is missing is added."""

from __future__ import annotations

import json

import pytest

from image.conftest import Image

pytestmark = pytest.mark.engine

PACKAGES = """
import json
from importlib.metadata import distributions
found = {}
for each in distributions():
    name = each.metadata["Name"].lower().replace("_", "-").replace(".", "-")
    found.setdefault(name, [each.version, str(each.locate_file(""))])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def packages(image):
    """What Python packages base and image have, as version and place by name, where the base has Airflow."""
    base = Image(image.client, image.labels["org.opencontainers.image.base.name"])
    options = ("--entrypoint", "python3")
    before, after = (
        json.loads(each.run("-c", PACKAGES, options=options).stdout or "{}") for each in (base, image)
    )
    if "apache-airflow" not in before:
        pytest.skip("is about a base with Airflow")
    return before, after


def test_the_base_s_packages_stay(packages):
    """A package of the base is the one that is imported, except where what was added needs a newer one."""
    before, after = packages
    replaced = {name for name, found in before.items() if after.get(name) != found}
    assert all(after[name][1].startswith("/opt/worker/") for name in replaced), replaced
    assert len(replaced) < len(before) / 10, replaced
    assert {"apache-airflow", "apache-airflow-core", "apache-airflow-task-sdk"} & replaced == set()


def test_only_what_is_missing_is_added(packages):
    """No package is there twice with the same version; the amazon provider and ours come on top."""
    before, after = packages
    added = {name for name, (_, place) in after.items() if place.startswith("/opt/worker/")}
    assert [name for name in added & set(before) if after[name][0] == before[name][0]] == []
    assert {"airflow-fargate", "apache-airflow-providers-amazon", "boto3"} <= added
    assert len(added) < len(before) / 2


def test_the_base_is_byte_compiled_and_otherwise_as_it_was(image, packages):
    """Airflow's modules have byte code, which the official image leaves out, and belong to whom they did."""
    script = (
        "import airflow, pathlib, os; home = pathlib.Path(airflow.__file__).parent;"
        "print(home.parent, (home / '__pycache__').is_dir(), home.stat().st_uid, home.stat().st_mode & 0o070)"
    )
    place, compiled, owner, group = image.python(script).split()
    assert (place, compiled, owner) == (packages[0]["apache-airflow-core"][1], "True", "50000")
    assert int(group) == 0o070


IMPORTS = """
import importlib.util, os, sys
import airflow_fargate.worker.entrypoint, airflow.sdk.execution_time.supervisor
import airflow.sdk.execution_time.task_runner, airflow.executors.workloads
import airflow.providers.standard.operators.bash, airflow.providers.amazon.aws.log.s3_task_handler
files = [getattr(each, "__file__", None) for each in list(sys.modules.values())]
places = ("/home/airflow/", "/opt/worker/lib/")
own = [file for file in files if file and file.startswith(places) and file.endswith(".py")]
print(len(own), [file for file in own if not os.path.exists(importlib.util.cache_from_source(file))])
"""


def test_what_a_worker_imports_is_byte_compiled(image, packages, airflow_version):
    """Of the base only the lock's packages are compiled, and nothing that a task imports is missing."""
    found, missing = image.python(IMPORTS).strip().split(" ", 1)
    assert int(found) > 500
    assert missing == "[]"
