"""The PostgreSQL servers behind moto's DB instances: made, stopped, failed over, copied and removed.

How it works: moto keeps the records, `moto_rds` tells us what was asked for, and every action runs in order
in one thread, which also owns the servers' processes. The status in moto's record is set when an action
begins (in the caller's thread) and when it has ended.
"""

from __future__ import annotations

import logging
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from local_cloud.databases.parameters import force_ssl, settings
from local_cloud.databases.server import PostgresServer, identifier, literal
from local_cloud.names.zones import Record, select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_cloud.databases.addresses import Addresses
    from local_cloud.databases.certificates import Authority
    from local_cloud.databases.programs import Programs
    from local_cloud.names.zones import Answer

log = logging.getLogger("local_cloud")

TTL = 5  # seconds, as RDS's own records
AVAILABLE, STOPPED, FAILED = "available", "stopped", "failed"


@dataclass
class _Database:
    """A server with its record in moto, and the address that its name leads to."""

    instance: Any
    server: PostgresServer
    address: str = ""


class Databases:
    """Every PostgreSQL of one cloud, and the Zone of their names.

    folder: where data, sockets and logs are; removed by `close`. Methods return at once and are safe to call
    from several threads.
    """

    def __init__(self, programs: Programs, folder: Path, addresses: Addresses, authority: Authority) -> None:
        self.authority = authority
        self._programs = programs
        self._folder = folder
        self._addresses = addresses
        self._known: dict[str, _Database] = {}
        self._snapshots: dict[str, Path] = {}
        self._timers: set[threading.Timer] = set()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="databases")
        shutil.rmtree(folder, ignore_errors=True)
        addresses.clear()
        folder.mkdir(mode=0o711, parents=True)

    def close(self) -> None:
        """Stop every server and remove everything."""
        for timer in list(self._timers):
            timer.cancel()
        self._worker.submit(self._end_all)
        self._worker.shutdown(wait=True)

    def _end_all(self) -> None:
        for database in self._known.values():
            database.server.stop(signal.SIGQUIT)
        self._addresses.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    # Names and inspection

    def answer(self, name: str, kind: str) -> Answer | None:
        """See Zone: an instance's name has one address; other names of the same domain are not ours."""
        for database in list(self._known.values()):
            host = database.instance.address
            if host == name and database.address:
                return select(host.partition(".")[2], name, kind, [Record(host, "A", TTL, database.address)])
        return None

    def page(self) -> list[dict[str, Any]]:
        """Every instance: identifier, status, name, address and port."""
        return [
            {
                "id": found.instance.db_instance_identifier,
                "region": found.instance.region,
                "status": found.instance.status,
                "endpoint": found.instance.address,
                "address": found.address,
                "port": found.instance.port,
            }
            for found in list(self._known.values())
        ]

    def find(self, name: str) -> Any:
        """The record of an instance in moto, by its identifier; raises ValueError if there is none."""
        for found in list(self._known.values()):
            if found.instance.db_instance_identifier == name:
                return found.instance
        there = sorted(found.instance.db_instance_identifier for found in list(self._known.values()))
        raise ValueError(f"there is no database {name!r}; there are {there}")

    # What was asked for

    def create(self, instance: Any, snapshot: str | None = None) -> None:
        """Start a server for a new instance, with the data of a snapshot if one is named."""
        instance.status = "creating"
        server = PostgresServer(self._programs, self._folder / instance.dbi_resource_id)
        database = self._known[instance.dbi_resource_id] = _Database(instance, server)
        self._do(instance, lambda: self._create(database, snapshot))

    def delete(self, instance: Any) -> None:
        """Remove an instance's server and data."""
        self._do(instance, lambda: self._delete(instance), then=None)

    def stop(self, instance: Any) -> None:
        """Stop the server; its name stays."""
        instance.status = "stopping"
        self._do(instance, self._of(instance).server.stop, then=STOPPED)

    def start(self, instance: Any) -> None:
        """Start a stopped server."""
        instance.status = "starting"
        self._do(instance, lambda: self._start(self._of(instance)))

    def reboot(self, instance: Any) -> None:
        """Restart the server."""
        instance.status = "rebooting"
        self._do(instance, lambda: self._restart(self._of(instance)))

    def fail_over(self, instance: Any, seconds: float) -> None:
        """Break every connection, and come back after `seconds` on another address with the same data."""
        instance.status = "rebooting"
        self._do(instance, lambda: self._of(instance).server.stop(signal.SIGQUIT), then=None)
        self._later(seconds, lambda: self._do(instance, lambda: self._come_back(instance)))

    def change(self, instance: Any) -> None:
        """Apply what was changed in the instance's record or its parameter group."""
        self._do(instance, lambda: self._configure(self._of(instance)), then=None)

    def set_password(
        self, instance: Any, password: str, finish: Callable[[], None] | None = None, delay: float = 0.0
    ) -> None:
        """Give the master user another password; `finish` is called `delay` seconds after that."""

        def act() -> None:
            database = self._of(instance)
            if database.server.running:
                database.server.execute(_alter_password(instance.master_username, password))
            if finish is not None:
                self._later(delay, finish)

        self._do(instance, act, then=None)

    def snapshot(self, snapshot: Any) -> None:
        """Copy the data of the snapshot's instance."""
        snapshot.status = "creating"
        key = snapshot.arn

        def act() -> None:
            target = self._folder / "snapshots" / snapshot.db_snapshot_identifier
            target.parent.mkdir(mode=0o711, exist_ok=True)
            self._known[snapshot.dbi_resource_id].server.back_up(target)
            self._snapshots[key] = target
            snapshot.status = AVAILABLE

        self._do(snapshot, act, then=None)

    def delete_snapshot(self, snapshot: Any) -> None:
        """Remove a snapshot's data."""

        def act() -> None:
            target = self._snapshots.pop(snapshot.arn, None)
            if target is not None:
                shutil.rmtree(target, ignore_errors=True)

        self._do(snapshot, act, then=None)

    def has_data_of(self, snapshot: Any) -> bool:
        """Whether a snapshot can be restored."""
        return snapshot.arn in self._snapshots

    def holds(self, instance: Any) -> bool:
        """Whether this instance is one of ours."""
        return instance.dbi_resource_id in self._known

    def users_of(self, group: str) -> list[Any]:
        """The instances that use a parameter group."""
        return [
            found.instance
            for found in list(self._known.values())
            if found.instance.db_parameter_groups()[0].name == group
        ]

    # How it is done, in the worker's thread

    def _do(self, record: Any, act: Callable[[], object], then: str | None = AVAILABLE) -> None:
        def run() -> None:
            try:
                act()
            except Exception:
                log.exception("%s: the database failed", record.arn)
                record.status = FAILED
            else:
                record.status = record.status if then is None else then

        self._worker.submit(run)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            act()

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()

    def _of(self, instance: Any) -> _Database:
        return self._known[instance.dbi_resource_id]

    def _create(self, database: _Database, snapshot: str | None) -> None:
        instance, server = database.instance, database.server
        if snapshot is None:
            server.create()
        else:
            server.restore(self._snapshots[snapshot])
        database.address = self._addresses.take()
        self._start(database)
        if snapshot is None:
            server.execute(_new_master(instance.master_username, instance.db_name))
        password = master_password(instance)
        if password is not None:
            server.execute(_alter_password(instance.master_username, password))

    def _start(self, database: _Database) -> None:
        self._configure(database)
        database.server.use_certificate(*self.authority.issue(database.instance.address))
        database.server.start(database.address, int(database.instance.port or 5432))

    def _configure(self, database: _Database) -> None:
        given = list(database.instance.db_parameter_groups()[0].parameters.values())
        wanted = settings(given, database.instance.db_instance_class, self._setting_names, self._libraries)
        database.server.configure(wanted, force_ssl=force_ssl(given))

    def _restart(self, database: _Database) -> None:
        database.server.stop()
        self._start(database)

    def _come_back(self, instance: Any) -> None:
        database = self._known.get(instance.dbi_resource_id)
        if database is None:  # deleted during the outage
            return
        before, database.address = database.address, self._addresses.take()
        self._addresses.give_back(before)
        self._start(database)

    def _delete(self, instance: Any) -> None:
        database = self._known.pop(instance.dbi_resource_id)
        database.server.stop(signal.SIGQUIT)
        database.server.delete()
        if database.address:
            self._addresses.give_back(database.address)

    @cached_property
    def _setting_names(self) -> frozenset[str]:
        described = self._programs.run("postgres", "--describe-config")
        return frozenset(line.partition("\t")[0].lower() for line in described.splitlines())

    @cached_property
    def _libraries(self) -> frozenset[str]:
        # Debian's pg_config is another package's; the programs' own folder has the libraries beside it.
        return frozenset(path.stem for path in (self._programs.folder.parent / "lib").glob("*.so"))


def master_password(instance: Any) -> str | None:
    """The master user's password, from the managed secret or as it was given; None if neither is known."""
    if instance.manage_master_user_password:
        from local_cloud.databases.rotation import current_password  # noqa: PLC0415  needs moto

        return current_password(instance.master_user_secret.secret)
    found = getattr(instance, "_master_user_password", None)
    return None if found is None else str(found)


def _new_master(name: str, database: str | None) -> str:
    """As on RDS: no superuser, but a member of rds_superuser that may make roles and databases."""
    lines = [
        "CREATE ROLE rds_superuser NOLOGIN;",
        "GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;",
        f"CREATE ROLE {identifier(name)} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser;",
    ]
    if database:
        lines.append(f"CREATE DATABASE {identifier(database)} OWNER {identifier(name)};")
    return "\n".join(lines)


def _alter_password(name: str, password: str) -> str:
    return f"ALTER ROLE {identifier(name)} PASSWORD {literal(password)};"
