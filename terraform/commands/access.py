"""`make open`, `make password` and `make dags`: Airflow's page, the login, and the DAGs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terraform.commands import programs
from terraform.commands.programs import CommandError
from terraform.commands.services import TUNNEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from terraform.commands.context import Context

API = "api"
API_PORT = 8080
HIGHEST_PORT = 65535
LEFT_OUT = ("*__pycache__/*", "*.pyc", ".git/*", "*/.git/*", ".venv/*", ".DS_Store")


def open_page(context: Context, settings: Mapping[str, str]) -> int:
    """Forward a local port to the API server until the command is interrupted; return an exit code."""
    if not settings["PORT"].isdecimal() or not 0 < int(settings["PORT"]) <= HIGHEST_PORT:
        raise CommandError(f"PORT must be a port from 1 to {HIGHEST_PORT}, got {settings['PORT']!r}.")
    programs.check("aws", "session-manager-plugin")
    outputs = context.outputs()
    request = session_request(context, outputs, int(settings["PORT"]))
    address = f"http://localhost:{settings['PORT']}"
    context.say(
        f"Airflow's page: {address} (log in with what make password prints; Ctrl-C closes the tunnel)"
    )
    return programs.run(
        [
            *("aws", "ssm", "start-session", "--region", outputs["region"]),
            *("--target", request["Target"], "--document-name", request["DocumentName"]),
            *("--parameters", json.dumps(request["Parameters"])),
        ]
    )


def session_request(context: Context, outputs: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the parameters of SSM's StartSession that open the tunnel.

    Raises:
        CommandError: no API container runs, or it has no tunnel.
    """
    ecs = context.clients(outputs["region"])("ecs")
    cluster = outputs["cluster_name"]
    arns = ecs.list_tasks(cluster=cluster, serviceName=API, desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    running = [task for task in tasks if task["lastStatus"] == "RUNNING"]
    if not running:
        raise CommandError("no API server runs yet: wait a minute, or see what make up says.")
    for task in running:
        for container in task["containers"]:
            if container["name"] == TUNNEL and container.get("runtimeId"):
                task_id = task["taskArn"].rpartition("/")[2]
                return {
                    "Target": f"ecs:{cluster}_{task_id}_{container['runtimeId']}",
                    "DocumentName": "AWS-StartPortForwardingSession",
                    "Parameters": {"portNumber": [str(API_PORT)], "localPortNumber": [str(port)]},
                }
    raise CommandError("the API server has no tunnel: apply tunnel = true.")


def show_password(context: Context, _settings: Mapping[str, str]) -> int:
    """Print the administrator's user and password; return an exit code."""
    outputs = context.outputs()
    client = context.clients(outputs["region"])("secretsmanager")
    secret = client.get_secret_value(SecretId=outputs["admin_secret_arn"])["SecretString"]
    login = json.loads(secret)
    context.say(f"user: {login['username']}\npassword: {login['password']}")
    return 0


def upload_dags(context: Context, settings: Mapping[str, str]) -> int:
    """Make the bucket of DAGs equal to a folder; return an exit code.

    Raises:
        CommandError: there is no such folder, it holds no Python file, or DAGs do not come from S3.
    """
    folder = Path(settings["FROM"])
    if not folder.is_dir():
        raise CommandError(f"FROM={folder} is not a folder: name the one with your DAGs.")
    # An empty folder would delete every DAG.
    if not any(folder.rglob("*.py")):
        raise CommandError(
            f"FROM={folder} holds no Python file, so nothing was uploaded: name the folder with your DAGs."
        )
    programs.check("aws")
    outputs = context.outputs()
    bucket = outputs["dags_bucket"]
    if not bucket:
        raise CommandError("this deployment takes its DAGs from elsewhere: dags_source is not s3.")
    excluded = [word for pattern in LEFT_OUT for word in ("--exclude", pattern)]
    command = ["aws", "s3", "sync", str(folder), f"s3://{bucket}", "--delete", "--region", outputs["region"]]
    if code := programs.run([*command, *excluded]):
        raise CommandError(f"aws s3 sync failed with exit code {code}: its lines above say why.")
    context.say(
        "uploaded. Airflow looks into the bucket every five minutes ([dag_processor] refresh_interval)."
    )
    return 0
