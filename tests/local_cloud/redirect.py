"""The one packet rule that brings 169.254.170.2, where containers ask for credentials, to this cloud."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys

log = logging.getLogger("local_cloud")

ADDRESS = "169.254.170.2"


class Redirect:
    """One PREROUTING rule on the engine's bridge, with the instance in its comment to be found by."""

    def __init__(self, bridge: str, port: int, instance: str) -> None:
        self._iptables = shutil.which("iptables") or shutil.which("iptables", path="/usr/sbin:/sbin")
        self._match = ["-i", bridge, "-d", f"{ADDRESS}/32", "-p", "tcp", "--dport", "80"]
        self._comment = f"airflow-fargate local cloud {instance}"
        self._target = ["-j", "REDIRECT", "--to-ports", str(port)]

    def install(self) -> bool:
        """Put the rule in place of any older one of this instance; False where we may not or cannot."""
        if self._iptables is None or not sys.platform.startswith("linux") or os.geteuid() != 0:
            return False
        self.remove()
        # First in the chain, since an older rule of another instance for this bridge would win otherwise.
        rule = ["-I", "PREROUTING", *self._match, "-m", "comment", "--comment", self._comment, *self._target]
        return self._run(*rule) is not None

    def remove(self) -> None:
        """Remove every rule of this instance; harmless when there is none."""
        if self._iptables is None or not sys.platform.startswith("linux") or os.geteuid() != 0:
            return
        listing = self._run("-S", "PREROUTING") or ""
        for line in listing.splitlines():
            if f'"{self._comment}"' in line:
                self._run("-D", *shlex.split(line)[1:])

    def _run(self, *words: str) -> str | None:
        command = [str(self._iptables), "-w", "5", "-t", "nat", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            log.warning("%s said: %s", " ".join(command), done.stderr.strip())
            return None
        return done.stdout
