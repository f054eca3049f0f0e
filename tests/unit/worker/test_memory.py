"""The kernel's counter of processes killed for memory, and the worker's last line about it."""

from __future__ import annotations

import json

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import entrypoint, memory, stopping, supervise
from airflow_fargate.worker.memory import killed_for_memory

REFERENCE = "json:" + json.dumps(
    {"format": 1, "airflow_version": "3.3.2", "launch_id": "l", "key": "k", "workload": {"token": "t"}}
)


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n", 2),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 0),
        ("cpu.stat", "", 0),
    ],
    ids=["version 2", "version 1", "an old kernel", "no memory cgroup"],
)
def test_the_counter_of_either_cgroup_version_is_read(tmp_path, name, text, count):
    """Without a counter, the result is 0."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert killed_for_memory(tmp_path) == count


@pytest.mark.parametrize(
    ("code", "killed", "reported"),
    [
        (ExitCode.TASK_KILLED, 1, True),
        (ExitCode.TASK_FAILED, 2, True),
        (ExitCode.TASK_FAILED, 0, False),
        (ExitCode.SUCCESS, 1, False),
        (ExitCode.STOPPED, 1, False),
    ],
)
def test_a_failed_task_reports_a_kill_for_memory_last(monkeypatch, capsys, code, killed, reported):
    """The executor shows the container's last line; the exit code is the task's own."""
    monkeypatch.setattr(stopping, "TaskStop", lambda **_: None)
    monkeypatch.setattr(entrypoint.gc, "disable", lambda: None)
    monkeypatch.setattr(supervise, "run_payload", lambda *_: code)
    monkeypatch.setattr(memory, "killed_for_memory", lambda: killed)
    assert entrypoint.run(["fargate", "run-workload", REFERENCE]) == code
    assert ("killed for memory" in capsys.readouterr().out) == reported
