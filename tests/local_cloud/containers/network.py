"""What containers reach beside the cloud's own port: credentials, names and databases."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.containers.redirect import CREDENTIALS, NAMES, Redirect, Rule
from local_cloud.databases.addresses import Addresses
from local_cloud.databases.certificates import Authority
from local_cloud.databases.instances import Databases
from local_cloud.databases.programs import find_programs
from local_cloud.moto_gaps import rds as moto_rds
from local_cloud.names.dns_server import NameServer

if TYPE_CHECKING:
    from local_cloud.containers.docker_host import DockerHost
    from local_cloud.names.cloud_map import CloudMap
    from local_cloud.names.zones import Zone

log = logging.getLogger("local_cloud")


class ContainerNetwork:
    """The packet rules, the DNS server and the databases of one cloud.

    port: the cloud's own. state: a folder that outlives the cloud, or None. Where the rules are not possible,
    `name_server` is None and containers use the engine's DNS; where databases are not, `databases` is None.
    """

    def __init__(
        self, host: DockerHost, cloud_map: CloudMap, instance: str, port: int, state: Path | None
    ) -> None:
        self._undo = contextlib.ExitStack()
        self.databases = self._open_databases(host, instance, state)
        zones: list[Zone] = [cloud_map, *([] if self.databases is None else [self.databases])]
        names = NameServer(zones, host.gateway)
        self._undo.callback(names.close)
        names.start()
        rules = (
            Rule(CREDENTIALS, "tcp", 80, port),
            Rule(NAMES, "udp", 53, names.udp_port),
            Rule(NAMES, "tcp", 53, names.tcp_port),
        )
        redirect = Redirect(host.bridge, rules, instance)
        self._undo.callback(redirect.remove)
        self.redirected = redirect.install()
        self.name_server = NAMES if self.redirected else None

    def close(self) -> None:
        """Remove everything; safe to call twice."""
        self._undo.close()

    def _open_databases(self, host: DockerHost, instance: str, state: Path | None) -> Databases | None:
        programs, addresses = find_programs(), Addresses(host.bridge, instance)
        if programs is None or not addresses.usable():
            log.warning(
                "DB instances have no server: PostgreSQL and ip are needed (`apt-get install postgresql "
                "iproute2`), and root."
            )
            return None
        # PostgreSQL's account may not be able to enter the folder of the state; this one is removed by
        # the next start of the same instance if this one is killed.
        data = Path(tempfile.gettempdir(), f"airflow-fargate-databases-{instance}")
        databases = Databases(programs, data, addresses, Authority(state or data))
        self._undo.callback(databases.close)
        moto_rds.attach(databases)
        self._undo.callback(moto_rds.detach, databases)
        return databases
