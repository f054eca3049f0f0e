"""`make destroy` for the complete deployment: everything goes but a last snapshot and the deleted key.

1. Ask for the deployment's name.
2. Stop the services, the scheduler first, so that nothing starts tasks any more; then stop the tasks.
3. Apply what the destroy needs to know: buckets and repositories may be deleted with their content, and
   whether the database keeps a last snapshot. Without images there are no services: this deletes them, too.
4. terraform destroy, and forget the images.

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
    from collections.abc import Callable, Mapping

    from terraform.commands.context import Context

FIRST = "scheduler"
SCALING_NAMESPACE = "ecs"
SCALED = "ecs:service:DesiredCount"


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
