"""From a DB parameter group to PostgreSQL's settings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORCE_SSL = "rds.force_ssl"
MEMORY = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}  # GiB of the t and m classes
# What the local cloud itself sets.
OURS = frozenset(
    {
        "data_directory",
        "fsync",
        "full_page_writes",
        "hba_file",
        "listen_addresses",
        "port",
        "ssl",
        "ssl_ca_file",
        "ssl_cert_file",
        "ssl_key_file",
        "unix_socket_directories",
    }
)


def settings(
    parameters: Iterable[Mapping[str, Any]],
    instance_class: str,
    known: frozenset[str],
    libraries: frozenset[str],
) -> dict[str, str]:
    """PostgreSQL's settings.

    parameters: those of the group that were set. instance_class: for instance db.t4g.micro. known: the names
    of the server's settings; others (RDS's own, an extension's) are left out. libraries: those that it can
    load at its start.
    """
    found = {"max_connections": str(max_connections(instance_class)), "shared_buffers": "128MB"}
    for parameter in parameters:
        name, value = str(parameter["ParameterName"]), str(parameter.get("ParameterValue", ""))
        # A formula as {DBInstanceClassMemory/32768} needs RDS to work it out.
        if name in known and name not in OURS and "{" not in value:
            found[name] = value
    if "shared_preload_libraries" in found:
        wanted = (item.strip() for item in found["shared_preload_libraries"].split(","))
        found["shared_preload_libraries"] = ",".join(item for item in wanted if item in libraries)
    return found


def force_ssl(parameters: Iterable[Mapping[str, Any]]) -> bool:
    """Whether connections without TLS are rejected; RDS's default from PostgreSQL 15 on."""
    values = [str(item.get("ParameterValue")) for item in parameters if item["ParameterName"] == FORCE_SSL]
    return values[-1:] != ["0"]


def max_connections(instance_class: str) -> int:
    """RDS's default, LEAST({DBInstanceClassMemory/9531392}, 5000): 78 for db.t4g.micro.

    About 30 % of a class's memory is the system's and RDS's own.
    """
    size = MEMORY.get(instance_class.rpartition(".")[2], 16)
    return min(int(size * 0.7 * 1024**3 / 9_531_392), 5000)
