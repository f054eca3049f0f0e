"""SIGTERM, in separate processes, because signal masks and fork hooks stay for a process's lifetime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# Like the worker, this forks a task's process with a handler for SIGTERM like Airflow's, reports it to
# TaskStop, and waits for its end.
SUPERVISOR = """
import os, select, signal, sys, time
from airflow_fargate.worker import stopping
from airflow_fargate.worker.stopping import TaskStop, TaskStopped
{setup}

went_on, goes_on = os.pipe()

def ended_within(handle, seconds):
    # A part of the limit has passed when the task has swallowed a stop, however slow the machine is.
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
    """Start it with this test's environment. Without a limit, the task's own output serves as the clock."""
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
    """Read its output until all wanted lines have arrived."""
    missing, seen = set(wanted), []
    for line in process.stdout:
        seen.append(line.strip())
        missing.discard(line.strip())
        if not missing:
            return seen
    raise AssertionError(f"the process ended after {seen}")


def stop(process, signum=signal.SIGTERM):
    """Send the signal and return the rest of its output."""
    process.send_signal(signum)
    return process.stdout.read()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_task_runs_on_kill_and_finally(signum):
    """The signal calls on_kill, is not caught by `except Exception`, runs `finally`, and ends the task."""
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


def test_a_task_is_signalled_again():
    """If a bare `except` swallows the first stop, a second follows; on_kill is called once."""
    first_only = "(first.pop() if first else Exception)"
    with supervisor(swallowed=first_only, setup="first = [BaseException]") as process:
        lines_until(process, "task", "started")
        out = [line for line in stop(process).splitlines() if not line.startswith("LOG")]
    assert out == ["on_kill", "swallowed", "task", "stopped", "finally", "ended 5 True"]


def test_on_kill_may_fail():
    """An exception in on_kill does not prevent the stop."""
    with supervisor(on_kill="raise ValueError") as process:
        lines_until(process, "task", "started")
        assert stop(process).splitlines()[-1] == "ended 5 True"


def test_a_task_that_continues_is_signalled_three_times_and_then_killed():
    """The supervisor survives and records the outcome."""
    with supervisor(swallowed="BaseException") as process:
        lines_until(process, "task", "started")
        out = stop(process)
    assert out.count("swallowed") == 3
    assert "is killed" in out
    assert out.splitlines()[-1] == f"ended {-signal.SIGKILL} True"


def test_a_task_that_does_not_stop_is_killed_at_the_limit():
    """The limit is wall-clock time, whether the task reacts or not."""
    with supervisor(swallowed="BaseException", limit=0.3) as process:
        lines_until(process, "task", "started")
        out = stop(process)
    assert "is killed" in out
    assert out.splitlines()[-1] == f"ended {-signal.SIGKILL} True"


def test_a_signal_before_the_task_ends_the_container_at_once():
    """The worker does not wait, and the exit code is that of SIGTERM."""
    with supervisor(before="say('no task yet'); signal.pause()") as process:
        lines_until(process, "task", "no task yet")
        process.send_signal(signal.SIGTERM)
        assert "before the task started" in process.stdout.readline()
        assert process.wait(300) == 143


def test_a_signal_after_the_task_changes_nothing():
    """After the outcome is recorded, a late SIGTERM does not turn it into a stop."""
    after = (
        "os.kill(pid, 9); stop.task_started(pid); os.waitpid(pid, 0); stop.task_ended(); "
        "say('over'); sys.stdin.read(); say(f'requested {stop.requested}'); os._exit(0)"
    )
    with supervisor(before=after) as process:
        lines_until(process, "over")
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.stdout.readline() == "requested False\n"
        assert process.wait(300) == 0
