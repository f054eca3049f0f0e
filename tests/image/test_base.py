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
