"""`make up`: Airflow from an empty account, in steps that can be repeated after any failure.

1. Check the programs, the account, the region; name the price and ask.
2. If there are no repositories yet: apply everything but Airflow's services, and build both images
   at the same time.
3. Build missing images, and push both.
4. Apply: the services start. ECS's progress is printed; a service that does not start ends the command with
   its reason.
5. Ask the doctor, as the scheduler and where it runs.

A second run with nothing to do takes as long as Terraform's plan and the images' check.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from terraform.commands import costs, programs
from terraform.commands.doctor import ask_doctor
from terraform.commands.programs import CommandError
from terraform.commands.services import Services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from terraform.commands.context import Context
    from terraform.commands.images import Images

INPUTS = {"NAME": "name", "REGION": "region", "SIZE": "size"}
"""Settings of the command that are inputs of Terraform, and are kept in INPUTS_FILE for the next run."""
INPUTS_FILE = "up.auto.tfvars.json"
RECORD_FILE = "images.auto.tfvars.json"
YES = "yes"


def up(
    context: Context,
    settings: Mapping[str, str],
    images: Images,
) -> int:
    """Bring the deployment up; return an exit code.

    Args:
        context: Terraform's folder, AWS, the terminal.
        settings: NAME, REGION, SIZE, AUTO_APPROVE, and those of the images.
        images: builds and pushes.

    Raises:
        CommandError: a step failed; the text says what to do, and `make up` goes on from there.
    """
    begun = context.now()
    steps = _Steps(context)

    steps.begin("check programs and account")
    programs.check(*programs.NEEDED)
    terraform = context.terraform
    before = terraform.outputs()
    keep_inputs(context, settings, before)
    terraform.run("init", "-input=false")
    inputs = terraform.variables("name", "region", *costs.VARIABLES)
    confirm(context, settings, inputs, before)

    outputs = before
    if not before.get("control_repository_url"):
        # A record of images that were deleted would start services without images.
        (context.folder / RECORD_FILE).unlink(missing_ok=True)
        steps.begin("apply: network, database, secrets, repositories (about 12 minutes); build both images")
        with images.being_built(inputs["architecture"]):
            terraform.run("apply", "-input=false", "-auto-approve")
        outputs = terraform.outputs()

    steps.begin("push both images")
    images.build_and_push(outputs)

    steps.begin("apply: Airflow's services (about 5 minutes)")
    client = context.clients(outputs["region"])
    groups = outputs.get("component_log_group_names") or {}
    services = Services(client, outputs["cluster_name"], groups, context.say)
    services.forget_failures()
    try:
        terraform.run("apply", "-input=false", "-auto-approve", watch=services.watch)
    except CommandError as error:
        raise _with_reasons(services, str(error)) from error

    steps.begin("wait until all services are steady")
    if not services.wait(context.now, context.sleep):
        raise _with_reasons(
            services, "a service failed, or not every service became steady within 15 minutes."
        )

    steps.begin("ask the doctor")
    outputs = terraform.outputs()
    healthy = ask_doctor(context, client, outputs)

    minutes = (context.now() - begun) / 60
    context.say(f"\nAirflow runs, after {minutes:.0f} minutes.")
    context.say(f"  page       make open, then {outputs['url']}")
    context.say("  login      make password")
    if outputs.get("dags_bucket"):
        context.say("  DAGs       make dags FROM=./dags")
    context.say("  remove it  make destroy")
    return 0 if healthy else 1


def keep_inputs(context: Context, settings: Mapping[str, str], before: Mapping[str, Any]) -> None:
    """Write the given inputs down for Terraform, beside those of earlier runs.

    Raises:
        CommandError: the folder has a deployment of another name.
    """
    if before.get("name") and settings["NAME"] not in ("", before["name"]):
        raise CommandError(
            f"this folder has the deployment {before['name']}: for one more, copy {context.folder} "
            "and give TERRAFORM_DIR=COPY."
        )
    file = context.folder / INPUTS_FILE
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    given = {variable: settings[name] for name, variable in INPUTS.items() if settings[name]}
    if given:
        file.write_text(json.dumps(kept | given, indent=2) + "\n", encoding="utf-8")


def confirm(
    context: Context, settings: Mapping[str, str], inputs: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """Name account, region and price, and ask.

    Raises:
        CommandError: no credentials, no region, another account than before, or the answer is no.
    """
    account, region = identify(context, inputs["region"])
    for what, now in (("account_id", account), ("region", region)):
        if before.get(what) not in (None, now):
            raise CommandError(
                f"the deployment is in {before[what]}, and these credentials and inputs mean {now}: change "
                "them."
            )
    context.say(f"\n  deployment  {inputs['name']}, size {inputs['size']}")
    context.say(f"  account     {account}\n  region      {region}")
    total, parts = costs.lines(inputs)
    context.say(f"  cost        {total}\n              {parts}\n")
    if not settings["AUTO_APPROVE"] and context.ask(f"Go on? ({YES}) ").strip().lower() != YES:
        raise CommandError(f"nothing was changed: the answer was not {YES}.")


def identify(context: Context, region: str | None) -> tuple[str, str]:
    """Return the account and the region.

    Raises:
        CommandError: there are no credentials that work, or no region.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError  # noqa: PLC0415

    clients = context.clients(region)
    try:
        # STS has a place without a region, ECS has none.
        found = clients("ecs").meta.region_name
        return str(clients("sts").get_caller_identity()["Account"]), str(found)
    except NoRegionError:
        raise CommandError("no region is set: give REGION=eu-west-1, or set AWS_REGION.") from None
    except (BotoCoreError, ClientError) as error:
        raise CommandError(
            "the AWS credentials are missing, expired or wrong, or AWS cannot be reached: set others (aws "
            f"configure, aws sso login). {error}"
        ) from error


def _with_reasons(services: Services, problem: str) -> CommandError:
    lines = [problem, *services.explain(), "When the cause is gone, run make up again: it goes on from here."]
    return CommandError("\n".join(lines))


class _Steps:
    """Print each step's beginning, and how long the one before took."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._begun = context.now()
        self._count = 0

    def begin(self, what: str) -> None:
        now = self._context.now()
        if self._count:
            self._context.say(f"    {now - self._begun:.0f} s")
        self._begun, self._count = now, self._count + 1
        self._context.say(f"[{self._count}] {what}")
