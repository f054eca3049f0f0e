"""Whether the kernel killed a process of this container because memory ran out.

ECS tells of it only where the container itself ends by it. When the task's process is killed, or one that the
task started, the container lives on to record that, and nobody else knows why it failed.
"""

from __future__ import annotations

from pathlib import Path

COUNTERS = ("memory.events", "memory/memory.oom_control")
"""Where a container sees its own cgroup's counters: version 2, version 1."""


def killed_for_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many processes of this container were killed for memory; 0 also where that is not known."""
    for name in COUNTERS:
        try:
            lines = (cgroup / name).read_text().splitlines()
        except OSError:
            continue
        counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
        if counts:
            return int(counts[0])
    return 0
