"""SIGTERM, in processes of their own: signal masks and fork hooks stay with a process for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# A supervisor as the worker is one: it forks a task's process that treats SIGTERM as Airflow does, reports it
# to TaskStop, and waits for its end.
SUPERVISOR = """
import os, signal, sys, time
from airflow_fargate.worker.stopping import TaskStop, TaskStopped
{setup}

def say(line):
    os.write(1, line.encode() + b"\\n")  # whole lines, whichever process writes them

def on_kill(*_):
    say("on_kill")
    {on_kill}

def leave():
    os.kill(pid, 9)
    os._exit(143)

stop = TaskStop(limit={limit}, say=lambda line: say("LOG " + line), leave=leave)
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTERM, on_kill)
    try:
        while True:
            try:
                say("task")
                time.sleep(60)
            except {swallowed} as error:
                say("swallowed")
    except TaskStopped:
        say("stopped")
    finally:
        say("finally")
    os._exit(5)
{before}
stop.task_started(pid)
say("started")
_, status = os.waitpid(pid, 0)
say(f"ended {{os.waitstatus_to_exitcode(status)}} {{stop.told}}")
"""


def supervisor(*, limit=60.0, swallowed="Exception", before="", on_kill="pass", setup=""):
    """Start it; its environment is this test's."""
    script = SUPERVISOR.format(limit=limit, swallowed=swallowed, before=before, on_kill=on_kill, setup=setup)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", script], text=True, env=environment, **pipes)


def lines_until(process, *wanted):
    """Read its output until all the wanted lines have come."""
    missing, seen = set(wanted), []
    for line in process.stdout:
        seen.append(line.strip())
        missing.discard(line.strip())
        if not missing:
            return seen
    raise AssertionError(f"it ended after {seen}")


def stop(process, signum=signal.SIGTERM):
    """Send the signal and return the rest of its output."""
    process.send_signal(signum)
    return process.stdout.read()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_task_gets_on_kill_and_then_leaves_what_it_did(signum):
    """The signal calls on_kill, passes `except Exception`, runs `finally`, and ends the task."""
    with supervisor() as process:
        lines_until(process, "task", "started")
        out = stop(process, signum)
    assert [line for line in out.splitlines() if not line.startswith("LOG")] == [
        "on_kill",
        "stopped",
        "finally",
        "ended 5 True",
    ]
    assert f"LOG {signum.name}" in out


def test_a_task_is_told_again():
    """A first stop that a bare `except` swallowed is followed by a second; on_kill is called once."""
    first_only = "(told.pop() if told else Exception)"
    with supervisor(limit=1.0, swallowed=first_only, setup="told = [BaseException]") as process:
        lines_until(process, "task", "started")
        out = [line for line in stop(process).splitlines() if not line.startswith("LOG")]
    assert out == ["on_kill", "swallowed", "task", "stopped", "finally", "ended 5 True"]


def test_on_kill_may_fail():
    """An exception out of on_kill does not keep the task from being stopped."""
    with supervisor(on_kill="raise ValueError") as process:
        lines_until(process, "task", "started")
        assert stop(process).splitlines()[-1] == "ended 5 True"


def test_a_task_that_does_not_stop_is_killed_in_time():
    """One that goes on in spite of everything is killed at the limit; the supervisor lives to record it."""
    with supervisor(limit=0.3, swallowed="BaseException") as process:
        lines_until(process, "task", "started")
        out = stop(process)
    assert "swallowed" in out
    assert "it is killed" in out
    assert out.splitlines()[-1] == f"ended {-signal.SIGKILL} True"


def test_a_signal_before_the_task_ends_the_container_at_once():
    """Before there is a task nothing is waited for; the exit code is that of SIGTERM."""
    with supervisor(before="say('no task yet'); signal.pause()") as process:
        lines_until(process, "task", "no task yet")
        process.send_signal(signal.SIGTERM)
        assert "before the task began" in process.stdout.readline()
        assert process.wait(30) == 143


def test_a_signal_after_the_task_changes_nothing():
    """When the outcome is recorded, a late SIGTERM does not turn it into a stop."""
    after = (
        "os.kill(pid, 9); stop.task_started(pid); os.waitpid(pid, 0); stop.task_ended(); "
        "say('over'); sys.stdin.read(); say(f'told {stop.told}'); os._exit(0)"
    )
    with supervisor(before=after) as process:
        lines_until(process, "over")
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.stdout.readline() == "told False\n"
        assert process.wait(30) == 0
