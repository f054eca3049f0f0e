"""Addresses of this machine on the engine's bridge, one for each database: containers reach them there."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from ipaddress import ip_network
from typing import Any

from local_cloud.errors import StartError

log = logging.getLogger("local_cloud")

# For benchmarks of network devices (RFC 2544), so no network has them; outside what the engine hands out.
RANGE = ip_network("198.18.0.0/16")
MAX_LABEL = 15


class NoAddressError(StartError):
    """This machine gives us no further address."""


class Addresses:
    """Adds addresses to an interface. Those of a killed cloud of the same instance are removed first."""

    def __init__(self, interface: str, instance: str) -> None:
        self._ip = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
        self._interface = interface
        self._label = f"{interface}:{instance}"[:MAX_LABEL]
        # Counted up and never used twice: what still believes in an old address must not reach a new server.
        self._candidates = RANGE.hosts()

    def usable(self) -> bool:
        """Whether we may add addresses here."""
        return (
            self._ip is not None
            and sys.platform.startswith("linux")
            and os.geteuid() == 0
            and len(self._label) > len(self._interface) + 1
        )

    def clear(self) -> None:
        """Remove every address of this instance."""
        for link in self._show("dev", self._interface):
            for item in link.get("addr_info", []):
                if item.get("label") == self._label:
                    self.give_back(item["local"])

    def take(self) -> str:
        """Add an address that this machine has not; raises NoAddressError."""
        here = {item["local"] for link in self._show() for item in link.get("addr_info", [])}
        address = next(str(one) for one in self._candidates if str(one) not in here)
        words = ["address", "add", f"{address}/32", "dev", self._interface, "label", self._label]
        if self._run(*words) is None:
            raise NoAddressError(f"{address} could not be added to {self._interface}.")
        return address

    def give_back(self, address: str) -> None:
        """Remove an address; harmless when it is gone."""
        self._run("address", "delete", f"{address}/32", "dev", self._interface)

    def _show(self, *words: str) -> list[dict[str, Any]]:
        found = json.loads(self._run("-j", "-4", "address", "show", *words) or "[]")
        return [link for link in found if link]

    def _run(self, *words: str) -> str | None:
        command = [str(self._ip), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            log.warning("`%s` failed: %s", " ".join(command), done.stderr.strip())
            return None
        return done.stdout
