"""Tasks of Airflow 2 in real containers: `airflow tasks run --local` on a metadata database of their own."""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from airflow_fargate.exit_codes import ExitCode

pytestmark = pytest.mark.engine

SCRIPT = Path(__file__).with_name("airflow_2.py")


class Home:
    """A folder that the containers share, with the database, the DAG and the logs in it."""

    def __init__(self, image, folder):
        self.image, self.folder = image, folder
        settings = {
            "AIRFLOW__CORE__DAGS_FOLDER": "/home/dags",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////home/airflow.db",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "/home/logs",
            "WORKING": "/home/working-",
        }
        self.options = (
            *("--read-only", "--tmpfs", "/tmp", "--tmpfs", "/opt/airflow/logs:mode=1777"),  # noqa: S108
            *("--volume", f"{folder}:/home", "--volume", f"{SCRIPT}:/airflow_2.py:ro"),
            *(word for name, value in settings.items() for word in ("--env", f"{name}={value}")),
        )

    def script(self, *words):
        """Run the script beside this file in a container; return what it printed."""
        done = self.image.run("python", "/airflow_2.py", *words, options=self.options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self, task_id):
        """Return Airflow's record of the task."""
        return re.search(rf"^state of {task_id}: (\w+)$", self.script("states"), re.MULTILINE)[1]

    def log(self, task_id):
        """Return what the task logged."""
        files = (self.folder / "logs").glob(f"dag_id=d/run_id=r/task_id={task_id}/*.log")
        return "".join(path.read_text() for path in files)

    def disturbed(self, task_id, disturb):
        """Run the task, disturb its container (by name) once it works, and return the exit code."""
        name = f"worker-test-{uuid.uuid4().hex[:8]}"
        words = self.image.command(*command(task_id), options=("--name", name, *self.options))
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            deadline = time.monotonic() + 120
            while not (self.folder / f"working-{task_id}").exists():
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < deadline, "the task never began"
                time.sleep(0.1)
            disturb(name)
            process.communicate(timeout=120)
        return process.returncode


def command(task_id):
    """Return the command that Airflow 2 gives its executors."""
    return ("airflow", "tasks", "run", "d", task_id, "r", "--local", "--subdir", "DAGS_FOLDER/d.py")


@pytest.fixture(scope="module")
def home(image, tmp_path_factory):
    """A prepared one; only for an image that holds Airflow 2."""
    if not image.airflow_version.startswith("2."):
        pytest.skip(f"is about Airflow 2, and the image holds {image.airflow_version}")
    folder = tmp_path_factory.mktemp("airflow2")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o777)
    shared = Home(image, folder)
    shared.script("prepare")
    return shared


@pytest.mark.parametrize(
    ("task_id", "state", "code"),
    [
        ("ok", "success", ExitCode.SUCCESS),
        ("skip", "skipped", ExitCode.SUCCESS),
        ("later", "up_for_reschedule", ExitCode.RESUMES_LATER),
        ("wait", "deferred", ExitCode.RESUMES_LATER),
        ("fail", "failed", ExitCode.TASK_FAILED),
        ("again", "up_for_retry", ExitCode.TASK_FAILED),
        ("killed", "running", ExitCode.TASK_KILLED),
        ("ok", "success", ExitCode.TRY_REJECTED),
    ],
)
def test_the_container_exits_with_the_outcome(home, task_id, state, code):
    """The exit code is the task's, where Airflow's CLI says 0; a try that ended already is refused.

    A killed task stays `running` in the database: the executor's report of the exit code ends it.
    """
    done = home.image.run(*command(task_id), options=home.options)
    assert done.returncode == code, done.stdout + done.stderr
    assert home.state(task_id) == state


def test_the_container_s_output_has_the_task_s_log(home):
    """What the task prints is in CloudWatch, not in a file of a container that is gone."""
    done = home.image.run(*command("shown"), options=home.options)
    assert "this is for everyone" in done.stdout


def test_a_stopped_container_lets_airflow_record_it(home):
    """SIGTERM reaches on_kill, the retry is recorded, and the container exits with 143."""
    code = home.disturbed("long", lambda name: home.image.kill(name, "TERM"))
    assert (code, home.state("long")) == (ExitCode.STOPPED, "up_for_retry")
    log = home.log("long")
    assert "on_kill was called" in log
    assert "finally" in log
    assert "swallowed" not in log


@pytest.mark.parametrize(
    ("task_id", "word", "state"), [("cleared", "clear", "up_for_retry"), ("marked", "mark", "failed")]
)
def test_a_task_that_airflow_ends_is_no_failure(home, task_id, word, state):
    """The job sees that the state was changed, ends the task, and the container exits with 82."""
    code = home.disturbed(task_id, lambda _: home.script(word, task_id))
    assert (code, home.state(task_id)) == (ExitCode.ENDED_BY_AIRFLOW, state)


def test_a_database_that_does_not_answer_has_its_own_code(home):
    """No database at the address: API_UNREACHABLE and one clear line last."""
    gone = ("--env", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://u:secret@127.0.0.1:9/a")
    done = home.image.run(*command("ok"), options=(*home.options, *gone))
    assert done.returncode == ExitCode.API_UNREACHABLE
    last = done.stdout.splitlines()[-1]
    assert "database did not answer" in last
    assert "secret" not in done.stdout + done.stderr
