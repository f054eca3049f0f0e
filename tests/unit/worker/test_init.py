"""PID 1's duties, in separate processes; the image's tests run it as a real PID 1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from airflow_fargate.worker.init import container_exit_code

INIT = """
import os, signal, sys, time
from airflow_fargate.worker.init import FORWARDED, serve_as_init

signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # as split_off_init does, until the parent listens
child = os.fork()
if child == 0:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    if {forwarded}:
        signal.signal(signal.SIGUSR1, lambda *_: (os.write(1, b"got it\\n"), os._exit(9)))
        os.write(1, b"ready\\n")
        time.sleep(60)
    {act}
serve_as_init(child)
"""


def init(act="pass", *, forwarded=False):
    """Start an init process whose child runs this."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = INIT.format(act=act, forwarded=forwarded)
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize(
    ("act", "code"), [("os._exit(0)", 0), ("os._exit(75)", 75), ("os.kill(os.getpid(), 9)", 137)]
)
def test_it_exits_with_its_childs_code(act, code):
    """A signal is 128 plus its number."""
    with init(act) as process:
        assert process.wait(300) == code


def test_it_reaps_orphans_and_waits_for_its_child():
    """An orphan that ends earlier does not end the container."""
    with init("os.fork() or os._exit(3); os.wait(); os._exit(4)") as process:
        assert process.wait(300) == 4


def test_it_forwards_signals():
    """A signal to the init process reaches the worker."""
    with init(forwarded=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.read() == "got it\n"
        assert process.wait(300) == 9


def test_signal_codes_are_those_of_a_shell():
    """Killed by SIGTERM is 143."""
    assert container_exit_code(-signal.SIGTERM) == 143
    assert container_exit_code(77) == 77
