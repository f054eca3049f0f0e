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
import os, select, signal, sys, time
from airflow_fargate.worker import stopping
from airflow_fargate.worker.stopping import TaskStop, TaskStopped
{setup}

went_on, goes_on = os.pipe()

def ended_within(handle, seconds):
    # A share of the limit has passed when the task has swallowed a stop, however busy the machine is.
    if seconds and {by_the_clock}:
        return by_the_clock(handle, seconds)
    ready = select.select([handle, went_on], [], [], None if seconds else 0)[0]
    if went_on in ready and handle not in ready:
        os.read(went_on, 1)
    return handle in ready

by_the_clock, stopping._ended_within = stopping._ended_within, ended_within

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
    goes_on_again = False
    try:
        while True:
            try:
                say("task")
                if goes_on_again:
                    os.write(goes_on, b".")
                time.sleep(60)
            except {swallowed} as error:
                say("swallowed")
                goes_on_again = True
    except TaskStopped:
        say("stopped")
    finally:
        say("finally")
    os._exit(5)
{before}
stop.task_started(pid)
say("started")
_, status = os.waitpid(pid, 0)
say(f"ended {{os.waitstatus_to_exitcode(status)}} {{stop.requested}}")
"""


def supervisor(*, swallowed="Exception", before="", on_kill="pass", setup="", limit=None):
    """Start it; its environment is this test's. Without a limit the task's own doings tell the time."""
    script = SUPERVISOR.format(
        limit=limit or 60.0,
        swallowed=swallowed,
        before=before,
        on_kill=on_kill,
        setup=setup,
        by_the_clock=limit is not None,
    )
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
    with supervisor(swallowed=first_only, setup="told = [BaseException]") as process:
        lines_until(process, "task", "started")
        out = [line for line in stop(process).splitlines() if not line.startswith("LOG")]
    assert out == ["on_kill", "swallowed", "task", "stopped", "finally", "ended 5 True"]


def test_on_kill_may_fail():
    """An exception out of on_kill does not keep the task from being stopped."""
    with supervisor(on_kill="raise ValueError") as process:
        lines_until(process, "task", "started")
        assert stop(process).splitlines()[-1] == "ended 5 True"


def test_a_task_that_goes_on_is_asked_three_times_and_then_killed():
    """One that goes on in spite of everything is killed; the supervisor lives to record it."""
    with supervisor(swallowed="BaseException") as process:
        lines_until(process, "task", "started")
        out = stop(process)
    assert out.count("swallowed") == 3
    assert "it is killed" in out
    assert out.splitlines()[-1] == f"ended {-signal.SIGKILL} True"


def test_a_task_that_does_not_stop_is_killed_at_the_limit():
    """The limit counts by the clock, whether the task reacts or not."""
    with supervisor(swallowed="BaseException", limit=0.3) as process:
        lines_until(process, "task", "started")
        out = stop(process)
    assert "it is killed" in out
    assert out.splitlines()[-1] == f"ended {-signal.SIGKILL} True"


def test_a_signal_before_the_task_ends_the_container_at_once():
    """Before there is a task nothing is waited for; the exit code is that of SIGTERM."""
    with supervisor(before="say('no task yet'); signal.pause()") as process:
        lines_until(process, "task", "no task yet")
        process.send_signal(signal.SIGTERM)
        assert "before the task began" in process.stdout.readline()
        assert process.wait(300) == 143


def test_a_signal_after_the_task_changes_nothing():
    """When the outcome is recorded, a late SIGTERM does not turn it into a stop."""
    after = (
        "os.kill(pid, 9); stop.task_started(pid); os.waitpid(pid, 0); stop.task_ended(); "
        "say('over'); sys.stdin.read(); say(f'told {stop.requested}'); os._exit(0)"
    )
    with supervisor(before=after) as process:
        lines_until(process, "over")
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.stdout.readline() == "told False\n"
        assert process.wait(300) == 0
