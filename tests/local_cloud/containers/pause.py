"""A program that only waits, as small as an ELF file can sensibly be; Docker needs no registry to have it."""

from __future__ import annotations

import struct

BASE = 0x400000
HEADERS = 64 + 56

# pause() without end
_X86_64 = bytes.fromhex("b8220000000f05ebf7")
# ppoll(NULL, 0, NULL, NULL) without end: this architecture has no pause
_AARCH64 = struct.pack(
    "<7I", 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA
)


def binary(architecture: str) -> bytes:
    """A static executable for Docker's name of an architecture; raises ValueError for others."""
    machines = {"amd64": (0x3E, _X86_64), "arm64": (0xB7, _AARCH64)}
    if architecture not in machines:
        raise ValueError(f"there is no pause program for {architecture}")
    machine, code = machines[architecture]
    size = HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    return identity + header + segment + code
