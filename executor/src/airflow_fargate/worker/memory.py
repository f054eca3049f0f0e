"""Find out whether the kernel killed a process of this container because memory ran out.

ECS reports this only if the container itself ends by it. If the task's process or one of its children is
killed, the container continues in order to record the failure, and only the kernel's counter has the reason.
"""

from __future__ import annotations

from pathlib import Path

COUNTERS = ("memory.events", "memory/memory.oom_control")
"""The files with the counters of the container's own cgroup: version 2, version 1."""


def killed_for_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many processes of this container were killed for memory; 0 if that is unknown."""
    for name in COUNTERS:
        try:
            lines = (cgroup / name).read_text().splitlines()
        except OSError:
            continue
        counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
        if counts:
            return int(counts[0])
    return 0
