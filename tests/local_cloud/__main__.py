"""`python -m local_cloud`: the local cloud on one port, until it is told to end."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

MAX_PORT = 65_535


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"local_cloud: {message}; see --help.\n")


def parse(arguments: Sequence[str]) -> CloudOptions:
    """The command line as options; ends the process with status 2 when it is wrong."""
    parser = _Parser(prog="python -m local_cloud", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="port, 0 for any free one (%(default)s)")
    parser.add_argument(
        "--engine",
        choices=("docker", "simulated"),
        default="docker",
        help="what runs the tasks (%(default)s)",
    )
    parser.add_argument("--docker-host", help="for instance unix:///var/run/docker.sock (Docker's default)")
    parser.add_argument(
        "--registry", help="the registry that holds the emulated ECR's images, as 127.0.0.1:5000"
    )
    parser.add_argument(
        "--state-dir", type=Path, help="what a killed cloud left is removed at its next start"
    )
    parser.add_argument("--seed", type=int, help="makes the simulated engine's ids and chances repeatable")
    parser.add_argument("--record-calls", action="store_true", help="keep who called what, for /_local/calls")
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= MAX_PORT:
        parser.error(f"--port is 0 to {MAX_PORT}, not {given.port}")
    return CloudOptions(**vars(given))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("botocore", "urllib3", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    options = parse(sys.argv[1:] if arguments is None else arguments)
    cloud = LocalCloud(options)
    # uvicorn raises the signal that ended it once more when it is done; by default that would kill us before
    # the containers are removed.
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        cloud.build()
        cloud.serve(lambda: _greet(cloud, options))
    except StartError as error:
        sys.stderr.write(f"local_cloud: {error}\n")
        return 1
    except _Ended:
        pass
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        cloud.close()
        # For a caller in the same process, which runs on.
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


class _Ended(BaseException):
    """We have been told to end."""


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _Ended


def _greet(cloud: LocalCloud, options: CloudOptions) -> None:
    kind = "containers of the Docker engine" if options.engine == "docker" else "simulations"
    lines = (
        f"ready {cloud.endpoint}",
        "",
        "  A local AWS account (123456789012); any credentials will do. In another shell:",
        f"    export AWS_ENDPOINT_URL={cloud.endpoint} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1",
        "    export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
        "  then, for instance:",
        "    aws ecs list-clusters",
        "    python -c \"import boto3; print(boto3.client('sqs').list_queues())\"",
        "    terraform apply     (provider options: s3_use_path_style and the skip_* checks)",
        f"  Every task with its timeline: {cloud.endpoint}/_local/tasks",
        f"  What is left in the account:  {cloud.endpoint}/_local/inventory",
        f"  Tasks run as {kind}. Ctrl-C ends everything.",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
