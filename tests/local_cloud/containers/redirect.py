"""Packet rules that bring what containers ask at AWS's link-local addresses to this cloud."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("local_cloud")

CREDENTIALS = "169.254.170.2"
NAMES = "169.254.169.253"


@dataclass(frozen=True)
class Rule:
    """What is sent to an address and port goes to a port of this machine."""

    address: str
    protocol: str
    port: int
    to_port: int


class Redirect:
    """PREROUTING rules on the engine's bridge, with the instance in their comment to be found by."""

    def __init__(self, bridge: str, rules: Sequence[Rule], instance: str) -> None:
        self._iptables = shutil.which("iptables") or shutil.which("iptables", path="/usr/sbin:/sbin")
        self._bridge = bridge
        self._rules = rules
        self._comment = f"airflow-fargate local cloud {instance}"

    def install(self) -> bool:
        """Put the rules in place of any older ones of this instance; False where we may not or cannot."""
        if not self._possible():
            return False
        self.remove()
        return all(self._install(rule) for rule in self._rules)

    def _install(self, rule: Rule) -> bool:
        # First in the chain, since an older rule of another instance for this bridge would win otherwise.
        where = ["-I", "PREROUTING", "-i", self._bridge, "-d", f"{rule.address}/32"]
        match = ["-p", rule.protocol, "--dport", str(rule.port), "-m", "comment", "--comment", self._comment]
        return self._run(*where, *match, "-j", "REDIRECT", "--to-ports", str(rule.to_port)) is not None

    def remove(self) -> None:
        """Remove every rule of this instance; harmless when there is none."""
        if not self._possible():
            return
        listing = self._run("-S", "PREROUTING") or ""
        for line in listing.splitlines():
            if f'"{self._comment}"' in line:
                self._run("-D", *shlex.split(line)[1:])

    def _possible(self) -> bool:
        return self._iptables is not None and sys.platform.startswith("linux") and os.geteuid() == 0

    def _run(self, *words: str) -> str | None:
        command = [str(self._iptables), "-w", "5", "-t", "nat", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            log.warning("%s said: %s", " ".join(command), done.stderr.strip())
            return None
        return done.stdout
