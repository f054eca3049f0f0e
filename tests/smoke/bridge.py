"""A separate network bridge for a private container engine, and the few rules it needs.

dockerd's rules and its docker0 outlive it, and two daemons on a machine share them. So the private engine
runs with ``--iptables=false`` on this bridge. Each rule here has an undo command in the journal.
"""

from __future__ import annotations

import json
import os
import shlex
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
"""A locally administered address, which no hardware has."""
CANDIDATES = (*tuple(f"172.{block}.240.0/24" for block in (29, 28, 27, 26, 25)), "10.213.240.0/24")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Bridge:
    """A bridge that is up.

    Args:
        name: the interface.
        gateway: this machine's address on it, for containers.
    """

    name: str
    gateway: str


def free_network(routes: Iterable[str], candidates: Iterable[str] = CANDIDATES) -> str:
    """Return the first candidate that overlaps no route of this machine.

    Raises:
        SmokeError: every candidate overlaps one.
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
        raise SmokeError(f"Cannot change the containers' network: `{' '.join(words)}` failed: {said}")
    return done.stdout


def _check_bridge_is_free(engines: Iterable[int]) -> None:
    for pid in engines:
        raise SmokeError(
            f"The container engine of another user's smoke is running (process {pid}): wait for its end, or "
            "ask that user to run `make smoke-down`."
        )


def make_bridge(programs: Programs) -> Bridge:
    """Create the bridge and its rules, and enable IP forwarding; needs root."""
    for program, package in (("ip", "iproute2"), ("iptables", "iptables")):
        if find_program(program) is None:
            install(programs, [package], f"The containers' network needs `{program}`")
    ip, iptables = find_program("ip") or "ip", find_program("iptables") or "iptables"
    if NAME in {link["ifname"] for link in json.loads(_command(ip, "-j", "link", "show"))}:
        _check_bridge_is_free(running(f"--bridge={NAME}"))
        _command(ip, "link", "delete", NAME)  # left by a smoke that was killed and has no journal
    drop_rules()
    routes = json.loads(_command(ip, "-j", "-4", "route", "show", "table", "main"))
    network = free_network([route["dst"] for route in routes])
    gateway = str(ip_network(network)[1])
    journal: Journal = programs.journal
    journal.add("command", f"bridge {NAME}", command=[ip, "link", "delete", NAME])
    # A fixed address. Otherwise, the bridge takes the lowest one of its ports, which changes with the
    # containers, and each change disconnects the other containers until their ARP entries expire half a
    # minute later.
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


def deletions(saved: str, name: str) -> list[list[str]]:
    """Return the iptables arguments that delete each rule about the interface ``name``.

    Args:
        saved: what ``iptables-save`` prints.
        name: the interface.
    """
    found, table = [], ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        words = shlex.split(line) if line.startswith("-A ") else []
        if name in words:
            found.append(["-t", table, "-D", *words[1:]])
    return found


def _saved_rules() -> str:
    save = find_program("iptables-save")
    if save is None or os.geteuid() != 0:
        return ""
    return subprocess.run([save], capture_output=True, text=True, check=False, timeout=30).stdout


def drop_rules() -> None:
    """Delete every rule about the bridge, including those of a local cloud or a smoke that was killed.

    Only one smoke uses the bridge at a time (the machine's lock), so none of them can be in use.

    Raises:
        SmokeError: iptables refused to delete one.
    """
    for words in deletions(_saved_rules(), NAME):
        _command(find_program("iptables") or "iptables", "-w", *words)


def remains() -> list[str]:
    """Return what is left of the bridge and its rules, for the check after the clean-up."""
    left = []
    if Path("/sys/class/net", NAME).exists():
        left.append(f"bridge {NAME}")
    left += [f"network rule {' '.join(words)}" for words in deletions(_saved_rules(), NAME)]
    return left
