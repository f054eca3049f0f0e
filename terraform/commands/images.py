"""Both images of a deployment: built while Terraform waits for AWS, then pushed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Protocol

from terraform.commands.programs import CommandError
from worker_image import images
from worker_image.build import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


class Images(Protocol):
    """What `make up` asks of the images."""

    def being_built(self, architecture: str) -> contextlib.AbstractContextManager[None]:
        """Build inside the ``with`` block, which ends when they are built or the build has failed."""

    def build_and_push(self, outputs: Mapping[str, Any]) -> None:
        """Build missing images, push both, and record the pair; raises CommandError."""


class DeploymentImages:
    """See Images.

    Args:
        settings: those of worker_image/images.py.
        folder: the deployment's; the record goes there.
        say: prints a line.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path, say: Callable[[str], None]) -> None:
        known = images.SETTINGS
        self._settings = {name: value for name, value in settings.items() if name in known and value}
        self._folder = folder
        self._say = say

    @contextlib.contextmanager
    def being_built(self, architecture: str) -> Iterator[None]:
        """See Images. Terraform prints at the same time, so the output is shown only if the build fails."""
        given = [f"{name}={value}" for name, value in self._settings.items()]
        command = [sys.executable, images.__file__, f"BUILD_ONLY={architecture}", *given]
        with tempfile.TemporaryFile() as said:
            # In a new session, so that the programs it starts can be ended with it.
            process = subprocess.Popen(  # noqa: S603
                command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                yield
                code = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
                raise
            said.seek(0)
            lines = said.read().decode(errors="replace").rstrip()
        if code:
            self._say(f"{lines}\n    building the images failed; the next step tries again")

    def build_and_push(self, outputs: Mapping[str, Any]) -> None:
        """See Images."""
        try:
            images.build_and_push(self._settings, outputs, self._folder)
        except BuildError as error:
            raise CommandError(f"{error} Then run make up again.") from error
