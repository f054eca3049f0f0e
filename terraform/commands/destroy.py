"""`make destroy` for the complete deployment: everything goes but a last snapshot and the deleted key.

1. Ask for the deployment's name.
2. Stop the services, the scheduler first, so that nothing starts tasks any more; then stop the tasks.
3. Apply what the destroy needs to know: buckets and repositories may be deleted with their content, and
   whether the database keeps a last snapshot. Without images there are no services: this deletes them, too.
4. terraform destroy; then delete the revisions of task definitions, which Terraform leaves so that a rollback
   finds them, and forget the images.

KMS keeps a deleted key for some days; everything else is free for `make up` with the same name. If it is
interrupted, run it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from terraform.commands import programs
from terraform.commands.programs import CommandError
from terraform.commands.services import COMPONENTS
from terraform.commands.up import RECORD_FILE
from terraform.destroy import Deployment, DestroyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from terraform.commands.context import Context

FIRST = "scheduler"
SCALING_NAMESPACE = "ecs"
SCALED = "ecs:service:DesiredCount"
MOST_DELETED = 10
"""DeleteTaskDefinitions takes ten at a time."""


def destroy(context: Context, settings: Mapping[str, str]) -> int:
    """Destroy the deployment; return an exit code.

    Args:
        context: Terraform's folder, AWS, the terminal.
        settings: CONFIRM (the name, instead of being asked), SNAPSHOT (0: none), DRAIN (seconds).

    Raises:
        CommandError: the name is another one, or a step failed.
    """
    programs.check(programs.TERRAFORM)
    if not settings["DRAIN"].isdecimal():
        raise CommandError(f"DRAIN must be a number of seconds, got {settings['DRAIN']!r}.")
    terraform = context.terraform
    terraform.run("init", "-input=false")
    outputs = terraform.outputs()
    name = outputs.get("name") or terraform.variables("name")["name"]
    keeps = settings["SNAPSHOT"] != "0"
    _confirm(context, settings, name, outputs, keeps=keeps)

    given = [
        "-input=false",
        "-auto-approve",
        "-var=force_destroy=true",
        "-var=database_deletion_protection=false",
    ]
    given.append(f"-var=database_final_snapshot={str(keeps).lower()}")
    if outputs.get("cluster_arn"):
        client = context.clients(outputs["region"])
        context.say("[1] stop Airflow's services and the running tasks")
        stop_services(client, outputs["cluster_arn"])
        try:
            Deployment(outputs, client, context.now, context.sleep).empty(float(settings["DRAIN"]))
        except DestroyError as error:
            raise CommandError(str(error)) from error
        context.say("[2] delete the services, and tell Terraform what else may be deleted")
        try:
            terraform.run("apply", *given, "-var=images=null")
        except CommandError as error:
            # Where make up has failed half-way, an apply may fail again, and the destroy works all the same.
            context.say(f"{error} Going on with the destroy.")
    context.say("[3] terraform destroy (about 15 minutes)")
    terraform.run("destroy", *given)
    if outputs.get("cluster_arn"):
        families = [outputs["task_definition_family"], *(f"{name}-{component}" for component in COMPONENTS)]
        delete_definitions(context, context.clients(outputs["region"])("ecs"), families)
    (context.folder / RECORD_FILE).unlink(missing_ok=True)
    context.say(f"\n{name} is gone. KMS deletes its key later; make up with the same name works at once.")
    if keeps and outputs.get("final_snapshot"):
        context.say(f"The database's last snapshot is {outputs['final_snapshot']}.")
    return 0


def _confirm(
    context: Context, settings: Mapping[str, str], name: str, outputs: Mapping[str, Any], *, keeps: bool
) -> None:
    where = f"account {outputs.get('account_id', '?')}, region {outputs.get('region', '?')}"
    context.say(f"This deletes Airflow {name} ({where}) with its DAGs, task logs and images.")
    context.say(
        "The database keeps a last snapshot." if keeps else "The database is deleted WITHOUT a snapshot."
    )
    answer = settings["CONFIRM"] or context.ask(f"Type the deployment's name ({name}) to go on: ").strip()
    if answer != name:
        raise CommandError(f"nothing was changed: the name is {name}, got {answer!r}.")


def delete_definitions(context: Context, ecs: Any, families: Iterable[str]) -> None:
    """Delete all revisions of these task definitions; they cost nothing, so an error is only printed."""
    from botocore.exceptions import ClientError  # noqa: PLC0415  boto3 comes in late

    try:
        for family in families:
            for status in ("ACTIVE", "INACTIVE"):
                arns = _definitions(ecs, family, status)
                for arn in arns if status == "ACTIVE" else ():
                    ecs.deregister_task_definition(taskDefinition=arn)
                for start in range(0, len(arns), MOST_DELETED):
                    ecs.delete_task_definitions(taskDefinitions=arns[start : start + MOST_DELETED])
    except ClientError as error:
        context.say(f"Revisions of task definitions are left, which cost nothing: {error}")


def _definitions(ecs: Any, family: str, status: str) -> list[str]:
    """Return the revisions of a family and not those of longer names."""
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    return [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == family]


def stop_services(client: Callable[[str], Any], cluster: str) -> None:
    """Set every service's count to 0, the scheduler's first, and keep autoscaling from raising it again."""
    ecs, scaling = client("ecs"), client("application-autoscaling")
    names = sorted(COMPONENTS, key=lambda each: each != FIRST)
    there = ecs.describe_services(cluster=cluster, services=names)["services"]
    active = {each["serviceName"] for each in there if each["status"] == "ACTIVE"}
    resources = [f"service/{cluster.rpartition('/')[2]}/{name}" for name in names]
    targets = scaling.describe_scalable_targets(ServiceNamespace=SCALING_NAMESPACE, ResourceIds=resources)
    for target in targets["ScalableTargets"]:
        scaling.register_scalable_target(
            ServiceNamespace=SCALING_NAMESPACE,
            ResourceId=target["ResourceId"],
            ScalableDimension=SCALED,
            MinCapacity=0,
            MaxCapacity=0,
        )
    for name in names:
        if name in active:
            ecs.update_service(cluster=cluster, service=name, desiredCount=0)
