"""The image itself: what it runs, as whom, with what in it."""

from __future__ import annotations

import pytest

from airflow_fargate import __version__
from airflow_fargate.exit_codes import ExitCode
from image.conftest import Image

pytestmark = pytest.mark.engine

READ_ONLY = ("--read-only", "--tmpfs", "/tmp", "--tmpfs", "/opt/airflow/logs:mode=1777")  # noqa: S108

ORPHAN = """
import os, subprocess, time
subprocess.run(["bash", "-c", "(sleep 0.2) & disown"])
def others():
    return [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]
deadline = time.monotonic() + 20
while others() and time.monotonic() < deadline: time.sleep(0.05)
print(os.getppid(), others())
"""


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("airflow", "version"), 0),
        (("version",), 0),
        (("bash", "-c", "exit 9"), 9),
        (("python", "-c", "raise SystemExit(11)"), 11),
        (("airflow", "no-such-command"), 2),
        ((), ExitCode.BAD_COMMAND),
        (("fargate", "run-workload", "json:{"), ExitCode.PAYLOAD_INVALID),
    ],
)
def test_exit_codes_pass_through(image, words, exit_code):
    """Airflow's CLI, programs and the entrypoint's own refusals all end the container with their code."""
    assert image.run(*words).returncode == exit_code


def test_pid_1_reaps_and_forwards_without_an_init(image):
    """As PID 1 it leaves no zombie of an orphan behind, and the work is done by its child."""
    if image.kind == "control":
        pytest.skip("the control image runs with ECS's init process, and its commands become Airflow")
    assert image.run("python", "-c", ORPHAN).stdout == "1 []\n"


@pytest.mark.parametrize("user", ["50000:0", "12345:0"])
def test_it_runs_read_only_and_as_any_user(image, user):
    """With a read-only root only the logs and the temporary folder are written, by whichever user."""
    script = "touch /tmp/a logs/b && airflow version && ! touch dags/c 2>/dev/null && id -u"
    done = image.run("bash", "-c", script, options=(*READ_ONLY, "--user", user))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == user.partition(":")[0]


def test_it_is_not_root_and_can_not_become_root(image):
    """The user is 50000:0, and no program in the image is setuid or setgid."""
    assert image.inspect()["Config"]["User"] == "50000:0"
    done = image.run("bash", "-c", "find / -xdev -type f -perm /6000 2>/dev/null; true")
    assert done.stdout == ""


def test_it_holds_no_tools_and_no_caches(image):
    """No compiler, no pip in the environment, no package manager's cache, no sources of the build."""
    script = (
        "ls -d /build ~/.cache ~root/.cache /home/*/.cache /tmp/* /var/cache/pip /opt/worker/bin/pip "
        "/opt/worker/lib/python*/site-packages/{pip,uv,cyclonedx,debsbom} "
        "/var/cache/apt/archives/*.deb /var/lib/apt/lists/*_Packages* 2>/dev/null; "
        "command -v gcc g++ cc c++ clang make ld as; true"
    )
    # As root, who sees everything.
    assert image.run("bash", "-c", script, options=("--user", "0", "--tmpfs", "/tmp")).stdout == ""  # noqa: S108


def test_everything_is_byte_compiled(image):
    """Every module of the environment has its byte code, which a read-only container could not write."""
    script = (
        "import importlib.util, pathlib, sys, sysconfig\n"
        "root = pathlib.Path(sysconfig.get_path('purelib'))\n"
        "def compiles(path):\n"
        "    try: compile(path.read_bytes(), str(path), 'exec')\n"
        "    except (SyntaxError, ValueError): return False\n"
        "    return True\n"
        "missing = [p for p in root.rglob('*.py') "
        "if not pathlib.Path(importlib.util.cache_from_source(str(p))).exists()]\n"
        "print([str(p) for p in missing if compiles(p)])"
    )
    assert image.run("python", "-c", script).stdout == "[]\n"


def test_its_labels_tell_the_versions(image):
    """`airflow fargate doctor` reads from the labels what is in the image."""
    labels = image.inspect()["Config"]["Labels"]
    airflow = image.run("airflow", "version").stdout.split()[-1]
    assert labels["airflow-fargate.version"] == labels["org.opencontainers.image.version"] == __version__
    assert labels["airflow-fargate.airflow-version"] == airflow
    assert labels["airflow-fargate.payload-format"] == "1"
    assert len(labels["airflow-fargate.inputs"]) == 64
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


@pytest.mark.parametrize("folder", ["/opt/worker", "/usr", "/etc/ssl"])
def test_its_code_belongs_to_root(image, folder):
    """The user that tasks run as can write to nothing that it runs, read-only root or not."""
    writable = ("(", "-user", "50000", "-o", "-perm", "-0002", ")", "!", "-type", "l")
    done = image.run(folder, "-xdev", *writable, options=("--user", "0", "--entrypoint", "find"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_nothing_of_the_building_machine_is_in_it(image):
    """No setting of an index or a certificate stays in the environment or in a file."""
    base = Image(image.client, image.labels["org.opencontainers.image.base.name"])
    brought = set(image.inspect()["Config"]["Env"]) - set(base.inspect()["Config"]["Env"] or ())
    assert [entry for entry in brought if entry.startswith(("PIP", "UV", "SSL", "HTTP"))] == []
    script = "ls /etc/pip.conf ~/.config ~/.pip /opt/worker/pip.conf /run/secrets/* 2>/dev/null; true"
    assert image.run("bash", "-c", script).stdout == ""


def test_the_writable_folders_are_volumes(image):
    """Fargate gives the volumes it mounts there the owner and mode that the image declares."""
    assert set(image.inspect()["Config"]["Volumes"]) == {"/opt/airflow/logs", "/tmp"}  # noqa: S108


def test_its_options_are_declared_to_airflow(image):
    """The package is installed with its metadata: Airflow lists the section."""
    assert "[fargate]" in image.run("airflow", "config", "list", "--section", "fargate").stdout
