"""Databases: a DB instance is a PostgreSQL server on an address of its own, and lives as RDS's do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

import needs
from contract.local_cloud.test_moto_gaps import create
from contract.local_cloud.worlds import NUMBERS, POLL, client, error_code
from local_cloud.databases.addresses import Addresses
from local_cloud.databases.certificates import Authority
from local_cloud.databases.instances import Databases
from local_cloud.databases.programs import find_programs
from local_cloud.moto_gaps import rds as moto_rds
from local_cloud.server.local_pages import LocalPages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.cloud import LocalCloud

DEADLINE = 60.0
TESTS = Path(__file__).resolve().parents[2]
INSTANCE = f"t{os.getpid():x}"


class Account:
    """RDS and Secrets Manager of a cloud whose databases have servers."""

    def __init__(self, cloud: LocalCloud, servers: Databases, bundle: Path) -> None:
        self.rds = client(cloud.endpoint, "rds")
        self.secrets = client(cloud.endpoint, "secretsmanager")
        self.servers = servers
        self._bundle = bundle

    def create(self, **more: Any) -> str:
        """Make a database; returns its identifier when it is available."""
        name = str(create(self.rds, DBName="airflow", **more)["DBInstanceIdentifier"])
        self.until(name, "available")
        return name

    def describe(self, name: str) -> dict[str, Any]:
        """The instance as RDS describes it."""
        return dict(self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])

    def until(self, name: str, status: str) -> dict[str, Any]:
        """Wait for a status."""
        deadline = time.monotonic() + DEADLINE
        while (found := self.describe(name))["DBInstanceStatus"] != status:
            assert found["DBInstanceStatus"] != "failed"
            assert time.monotonic() < deadline, found["DBInstanceStatus"]
            time.sleep(POLL)
        return found

    def password(self, name: str) -> str:
        """The master user's password, from the managed secret."""
        arn = self.describe(name)["MasterUserSecret"]["SecretArn"]
        return str(json.loads(self.secrets.get_secret_value(SecretId=arn)["SecretString"])["password"])

    def address(self, name: str) -> str:
        """The address that DNS gives for the instance's name."""
        answer = self.servers.answer(self.describe(name)["Endpoint"]["Address"], "A")
        assert answer is not None
        return answer.records[0].value

    def connect(self, name: str, *, password: str = "", sslmode: str = "verify-full") -> Any:
        """A connection as Airflow makes it: by name, the server's certificate checked."""
        return psycopg2.connect(
            host=self.describe(name)["Endpoint"]["Address"],
            hostaddr=self.address(name),
            user="airflow",
            password=password or self.password(name),
            dbname="airflow",
            sslmode=sslmode,
            sslrootcert=str(self._bundle),
            connect_timeout=5,
        )

    def accepts(self, name: str, password: str) -> bool:
        """Whether the master user comes in with this password."""
        try:
            self.connect(name, password=password).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def ask(self, name: str, statement: str, **how: Any) -> Any:
        """The one value a statement gives, in a connection of its own; what it wrote is committed."""
        with closing(self.connect(name, **how)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases on this machine's loopback interface; installs PostgreSQL if it may."""
    folder = tmp_path_factory.mktemp("databases")
    needs.root("to give each database an address of its own")
    needs.postgres()
    programs, addresses = find_programs(), Addresses("lo", INSTANCE)
    assert programs is not None
    assert addresses.usable(), "needs the program ip (Debian's iproute2)"
    data = Path(f"/tmp/airflow-fargate-databases-{INSTANCE}")  # noqa: S108  PostgreSQL's account enters it
    made = Databases(programs, data, addresses, Authority(folder))
    moto_rds.attach(made)
    yield made
    moto_rds.detach(made)
    made.close()
    assert not data.exists()
    shown = subprocess.run(["ip", "address", "show", "dev", "lo"], capture_output=True, text=True, check=True)
    assert f"lo:{INSTANCE}" not in shown.stdout


@pytest.fixture(scope="module")
def account(
    simulated_cloud: LocalCloud, servers: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Account:
    """The account of the session's cloud, with these servers."""
    bundle = tmp_path_factory.mktemp("bundle") / "rds-ca.pem"
    bundle.write_text(servers.authority.bundle, encoding="utf-8")
    return Account(simulated_cloud, servers, bundle)


@pytest.fixture(scope="module")
def database(account: Account) -> str:
    """One database for the tests that leave it as they found it."""
    return account.create()


def test_a_new_database_is_reached_by_name_with_tls_and_the_secrets_password(
    account: Account, database: str
) -> None:
    """The certificate is for the name; the master user owns the database and is no superuser."""
    assert account.ask(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    account.ask(database, "CREATE TABLE owned (a int)")
    assert account.ask(database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert account.ask(database, "SHOW max_connections") == "78"


def test_a_parameter_group_decides_about_tls_and_settings(account: Account) -> None:
    """rds.force_ssl rejects what comes without; a change of the group is applied to a running server."""
    group = f"g{next(NUMBERS)}"
    account.rds.create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description="a"
    )
    name = account.create(DBParameterGroupName=group)
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        account.connect(name, sslmode="disable")
    values = {"rds.force_ssl": "0", "log_min_duration_statement": "1234"}
    account.rds.modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[
            {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "immediate"}
            for key, value in values.items()
        ],
    )
    deadline = time.monotonic() + DEADLINE
    while account.ask(name, "SHOW log_min_duration_statement") != "1234ms":
        assert time.monotonic() < deadline
    account.connect(name, sslmode="disable").close()


def test_a_rotation_changes_the_database_first_and_the_secret_after_a_gap(
    account: Account, database: str
) -> None:
    """In the gap the secret has a password that is rejected; after it the new one is accepted."""
    before = account.password(database)
    moto_rds.rotate(account.servers.find(database), gap=0.5)
    deadline = time.monotonic() + DEADLINE
    while account.accepts(database, before):
        assert account.password(database) == before
        assert time.monotonic() < deadline
    assert account.password(database) == before
    while account.password(database) == before:
        assert time.monotonic() < deadline
        time.sleep(POLL)
    assert account.ask(database, "SELECT 1") == 1


def test_the_cloud_has_pages_for_databases(account: Account, database: str, cloud: LocalCloud) -> None:
    """They show, rotate and fail over; a cloud without servers, and a wrong name, say what there is."""
    pages = LocalPages(cloud.plane, cloud.engine, lambda _: {}, None, account.servers)

    def ask(method: str, page: str, **wanted: Any) -> tuple[int, Any]:
        body = json.dumps(wanted).encode() if wanted else b""
        return asyncio.run(pages.answer(method, f"/_local/{page}", body))

    before, address = account.password(database), account.address(database)
    shown = next(item for item in ask("GET", "databases")[1]["databases"] if item["id"] == database)
    assert (shown["status"], shown["address"], shown["port"]) == ("available", address, 5432)
    assert ask("GET", "rds-ca.pem") == (200, account.servers.authority.bundle)
    assert ask("POST", "databases", rotate={"id": database, "gap": 0})[0] == 200
    assert ask("POST", "databases", failover={"id": database, "seconds": 0})[0] == 200
    deadline = time.monotonic() + DEADLINE
    while account.password(database) == before or account.address(database) == address:
        assert time.monotonic() < deadline
        time.sleep(POLL)
    account.until(database, "available")
    status, said = ask("POST", "databases", failover={"id": "none"})
    assert status == 400
    assert database in said["error"]
    status, said = asyncio.run(
        LocalPages(cloud.plane, cloud.engine, lambda _: {}).answer("GET", "/_local/databases", b"")
    )
    assert status == 400
    assert "PostgreSQL" in said["error"]


def test_point_in_time_is_rejected_and_a_replica_is_not_taken_for_its_source(
    account: Account, database: str
) -> None:
    """What has no server here must not look as if it had one, nor take that of another along."""
    restore = account.rds.restore_db_instance_to_point_in_time
    names = {"SourceDBInstanceIdentifier": database, "TargetDBInstanceIdentifier": "earlier"}
    assert error_code(restore, **names, UseLatestRestorableTime=True) == "InvalidRestoreFault"
    replica = f"r{next(NUMBERS)}"
    account.rds.create_db_instance_read_replica(
        DBInstanceIdentifier=replica, SourceDBInstanceIdentifier=database
    )
    account.rds.delete_db_instance(DBInstanceIdentifier=replica, SkipFinalSnapshot=True)
    assert account.ask(database, "SELECT 1") == 1


def test_stop_and_start_keep_the_data(account: Account, database: str) -> None:
    """While it is stopped, its name leads to an address where nothing answers."""
    account.ask(database, "CREATE TABLE kept AS SELECT 42 AS answer")
    account.rds.stop_db_instance(DBInstanceIdentifier=database)
    account.until(database, "stopped")
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        account.connect(database)
    account.rds.start_db_instance(DBInstanceIdentifier=database)
    account.until(database, "available")
    assert account.ask(database, "SELECT answer FROM kept") == 42


def test_a_failover_ends_connections_and_comes_back_at_another_address(
    account: Account, database: str
) -> None:
    """Committed data are there again after the outage."""
    account.ask(database, "CREATE TABLE committed AS SELECT 7 AS answer")
    address, open_before = account.address(database), account.connect(database)
    account.servers.fail_over(account.servers.find(database), seconds=0.5)
    account.until(database, "rebooting")
    account.until(database, "available")
    with pytest.raises(psycopg2.OperationalError), open_before.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert account.address(database) != address
    assert account.ask(database, "SELECT answer FROM committed") == 7


def test_a_final_snapshot_is_restored_with_its_data_and_a_password_of_its_own(account: Account) -> None:
    """And two databases of one account are two servers."""
    first, second, snapshot = account.create(), f"db{next(NUMBERS)}", f"s{next(NUMBERS)}"
    old = account.password(first)
    account.ask(first, "CREATE TABLE saved AS SELECT 5 AS answer")
    account.rds.delete_db_instance(DBInstanceIdentifier=first, FinalDBSnapshotIdentifier=snapshot)
    deadline = time.monotonic() + DEADLINE
    chosen = {"DBSnapshotIdentifier": snapshot}
    while account.rds.describe_db_snapshots(**chosen)["DBSnapshots"][0]["Status"] != "available":
        assert time.monotonic() < deadline
    for name in (second, f"db{next(NUMBERS)}"):
        account.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, **chosen)
        account.until(name, "available")
        assert account.ask(name, "SELECT answer FROM saved") == 5
        assert account.password(name) != old
    account.ask(name, "DROP TABLE saved")
    assert account.ask(second, "SELECT answer FROM saved") == 5
    account.rds.delete_db_snapshot(**chosen)


def test_servers_end_with_a_cloud_that_is_killed(servers: Databases, tmp_path: Path) -> None:
    """SIGKILL of the process that started a server ends the server, too."""
    folder = Path(f"/tmp/airflow-fargate-killed-{os.getpid()}")  # noqa: S108  as above
    script = f"""
import pathlib, time
from local_cloud.databases.certificates import Authority
from local_cloud.databases.programs import find_programs
from local_cloud.databases.server import PostgresServer
server = PostgresServer(find_programs(), pathlib.Path({str(folder)!r}))
server.create()
server.configure({{}}, force_ssl=True)
server.use_certificate(*Authority(pathlib.Path({str(tmp_path)!r})).issue("x"))
server.start("127.0.0.1", {20_000 + os.getpid() % 20_000})
print("up", flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=TESTS, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    postmaster = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + DEADLINE
    while Path(f"/proc/{postmaster}").exists():
        assert time.monotonic() < deadline
        time.sleep(POLL)
    subprocess.run(["rm", "-r", str(folder)], check=True)
