"""The parts of the smoke: steps, journal, network, disturbances."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from smoke import bridge, commands, disturbances, process_table, settings
from smoke.evidence import TAG
from smoke.expectations import DISTURBED, LEFT_TO_THE_NEXT, OUTCOMES, READY
from smoke.failure import SmokeError, StoppedError
from smoke.journal import Journal
from smoke.processes import Programs
from smoke.progress import Progress
from smoke.steps import Plan

TOKEN = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ0YXNrIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
SECRETS = "no token, key or password in DescribeTasks, events or logs"


@pytest.fixture
def out() -> io.StringIO:
    """The output."""
    return io.StringIO()


@pytest.fixture
def plan(out: io.StringIO) -> Plan:
    """A plan whose clock advances with each reading."""
    ticks = itertools.count()
    progress = Progress(out, lambda: float(next(ticks)), terminal=False)
    return Plan(progress, threading.Event(), lambda: None)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "up.jsonl")


@pytest.fixture
def programs(journal: Journal, tmp_path: Path) -> Programs:
    """Programs that log to a temporary folder."""
    return Programs(journal, tmp_path / "logs", {process_table.MARK: "test"}, threading.Event())


def test_a_step_gets_what_it_needs(plan: Plan) -> None:
    """A step starts when the steps it needs have ended, and can read their values."""
    bread = plan.add("bread", lambda: 2)
    toast = plan.add("toast", lambda: bread.value * 2, [bread])
    plan.run()
    assert toast.value == 4


def test_independent_steps_run_at_once(plan: Plan) -> None:
    """Steps that do not need each other run in parallel."""
    both = threading.Barrier(2, timeout=10)
    plan.add("one", both.wait)
    plan.add("other", both.wait)
    plan.run()
    assert not both.broken


def test_the_first_failure_is_reported(plan: Plan, out: io.StringIO) -> None:
    """A failure stops the running steps, starts no other, and is reported instead of its consequences."""
    begun = threading.Event()

    def long() -> None:
        begun.set()
        plan.stop.wait(10)
        raise StoppedError("stopped")

    def wrong() -> None:
        begun.wait(10)
        raise SmokeError("It failed: fix it.")

    first = plan.add("long", long)
    plan.add("wrong", wrong)
    plan.add("never", lambda: None, [first])
    with pytest.raises(SmokeError, match="It failed"):
        plan.run()
    assert "stopped long" in out.getvalue()
    assert "FAILED wrong" in out.getvalue()
    assert "never" not in out.getvalue()


def test_a_dead_service_fails_the_run(plan: Plan) -> None:
    """A service that dies ends the run, even if no step fails."""

    def dead() -> None:
        raise SmokeError("scheduler died.")

    plan.watch = dead
    plan.add("waiting", lambda: plan.stop.wait(10))
    with pytest.raises(SmokeError, match="scheduler died"):
        plan.run()


def test_the_journal_undoes_in_reverse_order(journal: Journal, tmp_path: Path) -> None:
    """It reads its entries from disk, and is empty afterwards."""
    for name in ("inner", "outer"):
        (tmp_path / name).mkdir()
        journal.add("folder", name, path=str(tmp_path / name))
    order: list[str] = []
    again = Journal(tmp_path / "up.jsonl")
    assert again.undo_all(order.append) == []
    assert order == ["outer", "inner"]
    assert not (tmp_path / "inner").exists()
    assert not (tmp_path / "up.jsonl").exists()


def test_an_entry_that_cannot_be_undone_is_reported(journal: Journal, tmp_path: Path) -> None:
    """All other entries are undone."""
    (tmp_path / "folder").mkdir()
    journal.add("folder", "folder", path=str(tmp_path / "folder"))
    journal.add("command", "bridge", command=["false"])
    assert [problem.sentence[:6] for problem in journal.undo_all(lambda name: None)] == ["bridge"]
    assert not (tmp_path / "folder").exists()


def test_a_kernel_setting_is_restored(journal: Journal, tmp_path: Path) -> None:
    """A changed file gets its former text back."""
    file = tmp_path / "ip_forward"
    file.write_text("1")
    journal.add("file", "IP forwarding", path=str(file), text="0\n")
    journal.undo_all(lambda name: None)
    assert file.read_text() == "0\n"


def test_a_service_ends_with_its_children(programs: Programs) -> None:
    """Ending a service ends its children too, even those that ignore SIGTERM."""
    service = programs.start(
        "parent", ["sh", "-c", "(trap '' TERM; echo ready; sleep 60) & echo ready; wait"], grace=5
    )
    programs.wait_until(service, lambda: service.log.read_text().count("ready\n") >= 2, 10)
    started = process_table.started_at(service.process.pid)
    assert started is not None
    assert len(process_table.session_members(service.process.pid, started)) >= 2
    programs.end(service)
    assert process_table.session_members(service.process.pid, started) == []


def test_a_service_that_dies_is_reported_with_its_last_lines(programs: Programs) -> None:
    """A dead service fails the run immediately; the error has the end of its log."""
    service = programs.start("scheduler", ["sh", "-c", "echo no such table; exit 3"])
    service.process.wait(10)
    with pytest.raises(SmokeError, match="scheduler died with exit code 3") as raised:
        programs.check()
    assert "no such table" in raised.value.tail


def test_a_command_that_fails_is_reported_with_its_last_lines(programs: Programs) -> None:
    """The error has its exit code, its log file and its last lines."""
    with pytest.raises(SmokeError, match="exit code 7") as raised:
        programs.run(["sh", "-c", "echo the reason; exit 7"], "step")
    assert "the reason" in raised.value.tail
    assert len(programs.journal) == 0


def test_a_stopped_run_ends_its_commands(programs: Programs) -> None:
    """When the run is over, a running command ends and leaves no entry in the journal."""
    programs.stop.set()
    with pytest.raises(StoppedError):
        programs.run(["sleep", "60"], "step")
    assert len(programs.journal) == 0
    assert process_table.marked("test") == {}


def test_a_reused_pid_is_not_killed(journal: Journal) -> None:
    """A process with the pid of an ended one keeps running."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        entry = journal.add_process("gone", other.pid)
        entry["started"] -= 60
        journal.undo(entry)
        assert other.poll() is None
        other.kill()


def test_the_containers_network_overlaps_no_route() -> None:
    """The first network that overlaps no route of the machine is chosen."""
    assert bridge.free_network(["default", "172.29.0.0/16"]) == "172.28.240.0/24"
    with pytest.raises(SmokeError, match="No private network"):
        bridge.free_network(["172.16.0.0/12", "10.0.0.0/8"])


def test_a_bridge_in_use_is_not_deleted() -> None:
    """While another smoke's engine uses the bridge, the error has the engine's process."""
    program = "print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "--bridge=test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdout is not None
        engine.stdout.readline()  # /proc shows no command line in the first moments after exec
        assert process_table.running("--bridge=test") == [engine.pid]
        with pytest.raises(SmokeError, match=f"process {engine.pid}"):
            bridge._check_bridge_is_free([engine.pid])
        engine.communicate(b"\n")


def test_every_network_rule_names_the_bridge() -> None:
    """The rules change only the traffic of the smoke's bridge."""
    assert all(bridge.NAME in rule for rule in bridge.rules(bridge.NAME, "172.29.240.0/24"))


def test_rules_that_a_killed_smoke_left_are_deleted_from_their_own_table() -> None:
    """Text as iptables-save prints it, of a local cloud that was killed; the rules of others stay."""
    saved = """# Generated by iptables-save v1.8.9
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -i docker0 -j ACCEPT
-A FORWARD -i af-smoke0 -m comment --comment "airflow-fargate smoke" -j ACCEPT
COMMIT
*nat
-A PREROUTING -d 169.254.170.2/32 -i af-smoke0 -p tcp -m comment --comment "local cloud 47ab" -j REDIRECT
-A PREROUTING -i af-smoke01 -j ACCEPT
COMMIT
"""
    assert [" ".join(words) for words in bridge.deletions(saved, "af-smoke0")] == [
        "-t filter -D FORWARD -i af-smoke0 -m comment --comment airflow-fargate smoke -j ACCEPT",
        (
            "-t nat -D PREROUTING -d 169.254.170.2/32 -i af-smoke0 -p tcp -m comment --comment local cloud"
            " 47ab -j REDIRECT"
        ),
    ]


def test_settings_name_the_variable_that_is_wrong() -> None:
    """Ports are read from the environment; an invalid one is rejected."""
    read = settings.read_settings({"HOME": "/home/me", "AIRFLOW_PORT": "8080", "KEEP": "1"})
    assert read.port("AIRFLOW_PORT") == 8080
    assert read.keep
    assert read.cache == Path("/home/me/.cache/airflow-fargate")


def test_adopted_tasks_are_read_from_the_schedulers_log() -> None:
    """A line can have several keys, mapped or not; other lines are ignored."""
    keys = [
        f"TaskInstanceKey(dag_id='d', task_id='{task}', run_id='r 1', try_number={number}, map_index={index})"
        for task, number, index in (("one", 1, -1), ("many", 2, 3))
    ]
    log = f"Adopted 0 of 1 tasks: \nAdopted 2 of 2 tasks: {'; '.join(keys)} [x] loc=y\n{keys[0]} could not be"
    assert disturbances._adopted(log) == {("d.one", 1), ("d.many[3]", 2)}
    assert disturbances._adopted("Adopting or resetting orphaned tasks") == set()


def test_the_environment_is_made_with_the_standard_library_alone() -> None:
    """`make venv` imports nothing from the `.venv` that it makes."""
    code = "import runpy; runpy.run_path('tests/smoke/environment.py')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=settings.ROOT, check=True)


class _Airflow:
    """Airflow and the local cloud in a run whose tasks all wait; ``entries`` is its event log."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []

    def log(self, *_: object) -> str:
        return READY

    def event_log(self, *_: object) -> list[dict[str, str]]:
        return self.entries

    def tasks(self) -> list[dict[str, Any]]:
        return [
            {"taskArn": name, "lastStatus": "RUNNING", "tags": container_tags(DISTURBED, name)}
            for name in LEFT_TO_THE_NEXT
        ]


def container_tags(dag_id: str, task_id: str) -> list[dict[str, str]]:
    """Return the tags of a first try's container."""
    tags = {"dag-id": dag_id, "task-id": task_id, "map-index": "-1", "try-number": "1"}
    return [{"key": f"{TAG}{name}", "value": value} for name, value in tags.items()]


def test_the_scheduler_is_killed_only_after_it_has_explained_the_task_without_memory() -> None:
    """Airflow does not offer a failed task to the new scheduler, so its explanation would be lost."""
    airflow, killed = _Airflow(), []
    means: Any = SimpleNamespace(api=airflow, cloud=airflow, replace_scheduler=lambda: killed.append(1))
    disturber = disturbances.Disturber(means, lambda _: None)
    common = {"try_number": 1, "map_index": -1, "dag_run_id": "run"}
    waiting = [
        {"dag_id": DISTURBED, "task_id": name, "state": "running", **common} for name in LEFT_TO_THE_NEXT
    ]
    for state, entry, kills in (("running", "", 0), ("failed", "", 0), ("failed", "fargate", 1)):
        airflow.entries = [{"event": entry, "task_id": "out_of_memory"}]
        ended = {"dag_id": OUTCOMES, "task_id": "out_of_memory", "state": state, **common}
        disturber.look("run", [*waiting, ended])
        assert len(killed) == kills


@pytest.mark.parametrize(
    ("words", "base"),
    [(["engine", "--", "make", "--base"], False), (["engine", "--base", "--", "make"], True)],
)
def test_a_base_is_made_if_requested(
    monkeypatch: pytest.MonkeyPatch, words: list[str], *, base: bool
) -> None:
    """`--base` before the command is an option of the smoke; after it, it belongs to the command."""
    asked: list[tuple[list[str], bool]] = []

    def with_engine(_settings: object, command: list[str], *, base: bool) -> int:
        asked.append((command, base))
        return 0

    monkeypatch.setattr(commands, "with_engine", with_engine)
    assert commands.main(words) == 0
    assert asked == [(words[words.index("--") + 1 :], base)]
