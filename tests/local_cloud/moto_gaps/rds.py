"""What moto's RDS lacks: servers behind the instances, random passwords that rotate, ids of their own.

`install` puts it all in place once per process; `attach` names the servers of the cloud that runs. Without
servers (the simulated engine, no PostgreSQL, not root) an instance is a record as in moto.
"""

from __future__ import annotations

import contextvars
import secrets
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend
from moto.rds.responses import RDSResponse
from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

from local_cloud.databases import rotation

if TYPE_CHECKING:
    from local_cloud.databases.instances import Databases

ROTATION_GAP = 5.0  # seconds between the new password in the database and in the secret
FAILOVER = 60.0  # seconds, RDS's usual time
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_attached: list[Databases] = []
_restoring: contextvars.ContextVar[str | None] = contextvars.ContextVar("restoring", default=None)

_init = DBInstance.__init__
_create = RDSBackend.create_db_instance
_delete = RDSBackend.delete_db_instance
_modify = RDSBackend.modify_db_instance
_reboot = RDSResponse.reboot_db_instance
_stop = RDSBackend.stop_db_instance
_start = RDSBackend.start_db_instance
_snapshot = RDSBackend.create_db_snapshot
_delete_snapshot = RDSBackend.delete_db_snapshot
_replica = RDSBackend.create_db_instance_read_replica
_restore = RDSBackend.restore_db_instance_from_db_snapshot
_restore_to_time = RDSBackend.restore_db_instance_to_point_in_time
_modify_group = RDSBackend.modify_db_parameter_group
_rotate = SecretsManagerBackend.rotate_secret


def attach(servers: Databases) -> None:
    """Let new instances be servers of this cloud."""
    _attached.append(servers)


def detach(servers: Databases) -> None:
    """Make no more servers there."""
    _attached.remove(servers)


def servers_of(instance: Any) -> Databases | None:
    """The servers that hold this instance."""
    return next((servers for servers in _attached if servers.holds(instance)), None)


# Instances


def init(instance: Any, *arguments: Any, **given: Any) -> None:
    """Make a record with a resource id of its own: Terraform finds instances by it."""
    _init(instance, *arguments, **given)
    instance.dbi_resource_id = _new_resource_id()


def _new_resource_id() -> str:
    return "db-" + "".join(secrets.choice(BASE32) for _ in range(26))


def create_db_instance_read_replica(backend: Any, given: Any) -> Any:
    """Create a record that is not taken for its source; replicas have no servers here."""
    replica = _replica(backend, given)
    replica.dbi_resource_id = _new_resource_id()
    # Deleted with the replica, the secret would be gone for the source as well.
    replica.manage_master_user_password = False
    replica.__dict__.pop("master_user_secret", None)
    return replica


def restore_db_instance_to_point_in_time(backend: Any, *arguments: Any, **given: Any) -> Any:
    """Reject the call where databases have servers: an empty one would look like a restored one."""
    if _attached:
        raise RDSClientError(
            "InvalidRestoreFault", "The local cloud restores snapshots only: take one and restore that."
        )
    return _restore_to_time(backend, *arguments, **given)


def create_db_instance(backend: Any, given: Any) -> Any:
    """Create the record, and a server behind it."""
    instance = _create(backend, given)
    if _attached and instance.engine == "postgres" and not instance.is_replica:
        _attached[-1].create(instance, _restoring.get())
    return instance


def restore_db_instance_from_db_snapshot(backend: Any, from_snapshot_id: str, overrides: Any) -> Any:
    """Create an instance whose server has the data of the snapshot."""
    name = from_snapshot_id.rpartition(":")[2]
    snapshot = backend.describe_db_snapshots(db_instance_identifier=None, db_snapshot_identifier=name)[0]
    if _attached and not _attached[-1].has_data_of(snapshot):
        raise RDSClientError(
            "InvalidDBSnapshotState",
            f"There is no data of snapshot {name} ({snapshot.status}): only manual ones have data here.",
        )
    token = _restoring.set(snapshot.arn)
    try:
        return _restore(backend, from_snapshot_id, overrides)
    finally:
        _restoring.reset(token)


def delete_db_instance(backend: Any, db_instance_identifier: str, *arguments: Any, **given: Any) -> Any:
    """Delete the record and its server; a final snapshot is taken before."""
    instance = _delete(backend, db_instance_identifier, *arguments, **given)
    if (servers := servers_of(instance)) is not None:
        servers.delete(instance)
    return instance


def modify_db_instance(backend: Any, db_instance_identifier: str, given: Any) -> Any:
    """Change the record, and tell its server."""
    instance = _modify(backend, db_instance_identifier, given)
    if (servers := servers_of(instance)) is not None:
        password = given.get("master_user_password")
        if password:
            servers.set_password(instance, password)
        elif given.get("manage_master_user_password"):
            servers.set_password(instance, rotation.current_password(instance.master_user_secret.secret))
        servers.change(instance)
    return instance


def reboot_db_instance(response: Any) -> Any:
    """Restart the server; a forced failover takes a minute."""
    answer = _reboot(response)
    instance = response.backend.describe_db_instances(response.params.get("DBInstanceIdentifier"))[0]
    if (servers := servers_of(instance)) is not None:
        if response.params.get("ForceFailover"):
            servers.fail_over(instance, FAILOVER)
        else:
            servers.reboot(instance)
    return answer


def stop_db_instance(backend: Any, *arguments: Any, **given: Any) -> Any:
    """Stop the server."""
    instance = _stop(backend, *arguments, **given)
    if (servers := servers_of(instance)) is not None:
        servers.stop(instance)
    return instance


def start_db_instance(backend: Any, *arguments: Any, **given: Any) -> Any:
    """Start the server."""
    instance = _start(backend, *arguments, **given)
    if (servers := servers_of(instance)) is not None:
        servers.start(instance)
    return instance


def create_db_snapshot(backend: Any, *arguments: Any, **given: Any) -> Any:
    """Create the record, and copy the server's data; an automated snapshot is a record only."""
    snapshot = _snapshot(backend, *arguments, **given)
    servers = servers_of(snapshot)
    if servers is not None and snapshot.snapshot_type == "manual":
        servers.snapshot(snapshot)
    return snapshot


def delete_db_snapshot(backend: Any, db_snapshot_identifier: str) -> Any:
    """Delete the record and the data."""
    snapshot = _delete_snapshot(backend, db_snapshot_identifier)
    for servers in _attached:
        servers.delete_snapshot(snapshot)
    return snapshot


# Parameter groups


def modify_db_parameter_group(backend: Any, name: str, parameters: Any) -> Any:
    """Change the group, and tell the servers that use it."""
    group = _modify_group(backend, name, parameters)
    for servers in _attached:
        for instance in servers.users_of(group.name):
            servers.change(instance)
    return group


def describe_db_parameters(response: Any) -> Any:
    """Say of each parameter that the user set it: without a source, Terraform takes it for a default."""
    name = response.params.get("DBParameterGroupName")
    found = response.backend.describe_db_parameter_groups({"db_parameter_group_name": name})
    if not found:
        raise DBParameterGroupNotFoundError(name)
    parameters = [
        {"ApplyMethod": "immediate", **parameter, "Source": "user", "IsModifiable": True}
        for parameter in found[0].parameters.values()
    ]
    wanted = response.params.get("Source")
    return ActionResult({"Parameters": parameters if wanted in (None, "user") else []})


# The master user's secret


def generate_secret_string(managed: Any) -> str:
    """A random password for the instance's own master user."""
    return rotation.secret_string(managed.resource.master_username, rotation.new_password())


def secret_status(managed: Any) -> str:
    """Creating, rotating or active."""
    servers = servers_of(managed.resource)
    if servers is not None and managed.resource.status == "creating":
        return "creating"
    return "rotating" if rotation.in_progress(managed.secret) else "active"


def rotate(instance: Any, gap: float = ROTATION_GAP) -> None:
    """Rotate in AWS's order: a pending version, the database, and after the gap the current version."""
    secret = instance.master_user_secret.secret
    if rotation.in_progress(secret):
        raise RDSClientError("InvalidDBInstanceState", "A rotation of the secret is in progress.")
    version, password = rotation.propose(secret, instance.master_username)
    servers = servers_of(instance)
    if servers is None:
        rotation.finish(secret, version)
    else:
        servers.set_password(instance, password, lambda: rotation.finish(secret, version), gap)


def rotate_managed_secret(managed: Any) -> None:
    """See `rotate`."""
    rotate(managed.resource)


def rotate_secret(backend: Any, secret_id: str, *arguments: Any, **given: Any) -> str:
    """Rotate a secret that RDS manages with its database; any other as moto does."""
    secret = backend.secrets.get(secret_id)
    instance = _managed_by(backend, secret)
    if instance is None:
        return str(_rotate(backend, secret_id, *arguments, **given))
    if rotation.in_progress(secret):
        raise InvalidRequestException("A previous rotation is not complete.")
    rotate(instance)
    return str(secret.to_short_dict())


def _managed_by(backend: Any, secret: Any) -> Any:
    if secret is None or secret.owning_service != "rds":
        return None
    from moto.rds.models import rds_backends  # noqa: PLC0415

    databases = rds_backends[backend.account_id][backend.region_name].databases
    for instance in databases.values():
        managed = getattr(instance, "master_user_secret", None)
        if managed is not None and managed.secret is secret:
            return instance
    return None


def install() -> None:
    """Put all this in place of moto's; once per process."""
    DBInstance.__init__ = init
    RDSBackend.create_db_instance = create_db_instance
    RDSBackend.create_db_instance_read_replica = create_db_instance_read_replica
    RDSBackend.restore_db_instance_to_point_in_time = restore_db_instance_to_point_in_time
    RDSBackend.restore_db_instance_from_db_snapshot = restore_db_instance_from_db_snapshot
    RDSBackend.delete_db_instance = delete_db_instance
    RDSBackend.modify_db_instance = modify_db_instance
    RDSBackend.stop_db_instance = stop_db_instance
    RDSBackend.start_db_instance = start_db_instance
    RDSBackend.create_db_snapshot = create_db_snapshot
    RDSBackend.delete_db_snapshot = delete_db_snapshot
    RDSBackend.modify_db_parameter_group = modify_db_parameter_group
    RDSResponse.reboot_db_instance = reboot_db_instance
    RDSResponse.describe_db_parameters = describe_db_parameters
    MasterUserSecret._generate_secret_string = generate_secret_string
    MasterUserSecret.secret_status = property(secret_status)
    MasterUserSecret.rotate_secret = rotate_managed_secret
    SecretsManagerBackend.rotate_secret = rotate_secret
