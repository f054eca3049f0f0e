"""A network bridge of our own for a private container engine, and the few rules it needs.

dockerd's own rules and its docker0 outlive it, and two daemons on a machine fight over them. So ours gets a
bridge that we make, runs with ``--iptables=false``, and the five rules stand here, each with its way back.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.apt import find_program, install
from smoke.failure import SmokeError
from smoke.process_table import running

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smoke.journal import Journal
    from smoke.processes import Programs

NAME = "af-smoke0"
ADDRESS = "02:af:00:00:00:01"
"""Locally administered, so that no hardware has it."""
CANDIDATES = (*tuple(f"172.{block}.240.0/24" for block in (29, 28, 27, 26, 25)), "10.213.240.0/24")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Bridge:
    """A bridge that is up.

    Args:
        name: the interface.
        gateway: this machine's address on it, under which containers reach the host.
    """

    name: str
    gateway: str


def free_network(routes: Iterable[str], candidates: Iterable[str] = CANDIDATES) -> str:
    """Return the first candidate that no route of this machine overlaps.

    Raises:
        SmokeError: all are taken.
    """
    taken = [ip_network(route, strict=False) for route in routes if route != "default"]
    for candidate in candidates:
        if not any(ip_network(candidate).overlaps(network) for network in taken):
            return candidate
    raise SmokeError("No private network is free for the containers: start a container engine yourself.")


def rules(name: str, network: str) -> list[list[str]]:
    """Return the packet filter rules as iptables arguments: table, verb, chain, condition."""
    note = ["-m", "comment", "--comment", "airflow-fargate smoke"]
    return [
        ["-t", "nat", "-A", "POSTROUTING", "-s", network, "!", "-o", name, *note, "-j", "MASQUERADE"],
        ["-t", "filter", "-I", "FORWARD", "-i", name, *note, "-j", "ACCEPT"],
        ["-t", "filter", "-I", "FORWARD", "-o", name, *note, "-j", "ACCEPT"],
        ["-t", "filter", "-I", "INPUT", "-i", name, *note, "-j", "ACCEPT"],
    ]


def _command(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        said = done.stderr.strip()
        raise SmokeError(f"The containers' network cannot be made: `{' '.join(words)}` said: {said}")
    return done.stdout


def _check_bridge_is_free(engines: Iterable[int]) -> None:
    for pid in engines:
        raise SmokeError(
            f"The container engine of another user's smoke is up (process {pid}): wait for its end, or have "
            "it taken down with `make smoke-down`."
        )


def make_bridge(programs: Programs) -> Bridge:
    """Make the bridge, its rules and IP forwarding; needs root."""
    for program, package in (("ip", "iproute2"), ("iptables", "iptables")):
        if find_program(program) is None:
            install(programs, [package], f"The containers' network needs `{program}`")
    ip, iptables = find_program("ip") or "ip", find_program("iptables") or "iptables"
    if NAME in {link["ifname"] for link in json.loads(_command(ip, "-j", "link", "show"))}:
        _check_bridge_is_free(running(f"--bridge={NAME}"))
        _command(ip, "link", "delete", NAME)  # of a smoke that was killed, journal and all
    routes = json.loads(_command(ip, "-j", "-4", "route", "show", "table", "main"))
    network = free_network([route["dst"] for route in routes])
    gateway = str(ip_network(network)[1])
    journal: Journal = programs.journal
    journal.add("command", f"bridge {NAME}", command=[ip, "link", "delete", NAME])
    # Besides ours: the local cloud's rule for credentials, should it have been killed before removing it.
    strays = (
        f"{iptables}-save -t nat | sed -n 's/^-A \\(.*-i {NAME} .*\\)/{iptables} -w -t nat -D \\1/p' | sh"
    )
    journal.add("command", "strays among the network rules", command=["sh", "-c", strays], may_fail=True)
    # With an address of its own: else it takes its ports' lowest, which changes as containers come and go,
    # and each change cuts the others off for the half minute in which they still believe in the old one.
    _command(ip, "link", "add", NAME, "address", ADDRESS, "type", "bridge")
    _command(ip, "address", "add", f"{gateway}/{network.rpartition('/')[2]}", "dev", NAME)
    _command(ip, "link", "set", NAME, "up")
    if FORWARDING.read_text(encoding="utf-8").strip() != "1":
        journal.add(
            "file", "IP forwarding", path=str(FORWARDING), text=FORWARDING.read_text(encoding="utf-8")
        )
        FORWARDING.write_text("1\n", encoding="utf-8")
    for rule in rules(NAME, network):
        back = ["-D" if word in {"-A", "-I"} else word for word in rule]
        journal.add("command", f"network rule {rule[3]}", command=[iptables, "-w", *back])
        _command(iptables, "-w", *rule)
    return Bridge(NAME, gateway)


def remains() -> list[str]:
    """Return what is left of the bridge and its rules, for the check after everything was taken down."""
    left = []
    if Path("/sys/class/net", NAME).exists():
        left.append(f"bridge {NAME}")
    iptables = find_program("iptables-save")
    if iptables is not None and os.geteuid() == 0:
        done = subprocess.run([iptables], capture_output=True, text=True, check=False, timeout=30)
        left += [f"network rule {line}" for line in done.stdout.splitlines() if NAME in line]
    return left
