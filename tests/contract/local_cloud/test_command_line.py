"""Starting by itself: what is said, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud.__main__ import main, parse
from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.errors import StartError

TESTS = Path(__file__).parents[2]


def test_it_says_where_it_is_and_ends_when_told_to(tmp_path: Path) -> None:
    """One line `ready URL`, help for a person, and status 0 after SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "--engine=simulated", "--port=0", f"--state-dir={tmp_path}"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline().split()
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert first[0] == "ready"
    assert first[1].startswith("http://127.0.0.1:")
    assert f"export AWS_ENDPOINT_URL={first[1]}" in rest
    assert process.wait(300) == 0


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        assert main([f"--port={port}", "--engine=simulated"]) == 1
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    error = capsys.readouterr().err.strip()
    assert error == (
        f"local_cloud: Port {port} on 127.0.0.1 is in use: stop what uses it or choose another with --port."
    )


def test_no_engine_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Status 1, and what to do."""
    assert main(["--port=0", f"--docker-host=unix://{tmp_path}/none.sock"]) == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "No Docker engine answers at unix://" in error
    assert "--docker-host" in error


@pytest.mark.parametrize("wrong", [["--speed=9"], ["--engine=podman"], ["--port=x"], ["--port=70000"]])
def test_a_wrong_option_is_one_sentence(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    """Status 2, and where help is."""
    with pytest.raises(SystemExit) as raised:
        parse(wrong)
    assert raised.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert error.endswith("see --help.")


def test_two_clouds_cannot_share_a_state_directory(tmp_path: Path) -> None:
    """The second would remove the first one's containers."""
    options = CloudOptions(engine="simulated", port=0, state_dir=tmp_path)
    with LocalCloud(options), pytest.raises(StartError, match="Another local cloud uses"):
        LocalCloud(options).build()
