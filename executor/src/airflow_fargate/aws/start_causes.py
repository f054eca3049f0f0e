"""Why ECS stops a task before its container runs: the second part of the table. See failure_causes.py.

AWS's class names (`CannotPullContainerError`, `ResourceInitializationError`) say which step failed, not
whether it can pass: a registry that is down and an image that does not exist share one. The words behind them
decide.
"""

from __future__ import annotations

from airflow_fargate.aws.failure_causes import Cause
from airflow_fargate.aws.failure_causes import LaunchErrorKind as Kind
from airflow_fargate.aws.launch_causes import HEALTH_HINT, PULL

_NETWORK_HINT = (
    "Give the subnets a route to the registry: a NAT gateway, or VPC endpoints for ecr.api, ecr.dkr, S3 "
    "(gateway), logs and secretsmanager. The security group must allow egress on port 443. In public "
    "subnets, set [fargate] assign_public_ip = ENABLED."
)
_EXECUTION_ROLE_HINT = "Give the task definition's execution role the permission that AWS names"
_STEP = "(?:cannotpullcontainer|resourceinitialization)(?:error)? .*"
_STARTS = "(?:cannotstartcontainer|cannotcreatecontainer|resourceinitialization)(?:error)? .*"

START_CAUSES = (
    Cause(
        "host_lost",
        Kind.WAIT,
        "AWS lost or retired the task's host.",
        HEALTH_HINT,
        codes="TerminationNotice InfrastructureHealth",
    ),
    Cause(
        "storage",
        Kind.WAIT,
        "AWS could not provide the task's ephemeral storage.",
        HEALTH_HINT,
        words=("timeout waiting for ephemeralstorage provisioning",),
    ),
    # --- EFS volumes ----------------------------------------------------------------------------------------
    Cause(
        "efs_unreachable",
        Kind.WAIT,
        "The task could not reach the EFS file system.",
        "Give EFS a mount target in each Availability Zone of the subnets, and allow port 2049 between their "
        "security groups.",
        words=("efs utils commands .*(?:time ?out|timed out|connection reset by peer)",),
    ),
    Cause(
        "efs",
        Kind.PERMANENT,
        "The EFS file system could not be mounted.",
        "Correct the volume in the task definition: the file system, its path, its access point, and the "
        "task role's permission to mount it.",
        words=("efs utils commands",),
    ),
    # --- what the step says, whichever it is ----------------------------------------------------------------
    Cause(
        "no_space",
        Kind.PERMANENT,
        "The image does not fit on the task's disk.",
        "Set executor_config={'ephemeral_storage': 50} (GiB) or make the image smaller.",
        words=("no space left on device",),
    ),
    Cause(
        "platform_mismatch",
        Kind.PERMANENT,
        "The image is for another CPU architecture than the task.",
        "Build the image for the task definition's cpuArchitecture (linux/amd64 for X86_64, linux/arm64 for "
        "ARM64).",
        words=("descriptor matching platform", "exec format error"),
    ),
    Cause(
        "image_invalid",
        Kind.PERMANENT,
        "The image is not one that ECS can unpack.",
        "Correct the image's name or build it again, without attestations "
        "(BUILDX_NO_DEFAULT_ATTESTATIONS=1).",
        words=(
            PULL + "no processor for media type",
            PULL + "mismatched image rootfs",
            PULL + "invalid reference format",
        ),
    ),
    Cause(
        "service_failed",
        Kind.WAIT,
        "The image registry, or another AWS service that the task needs to start, failed.",
        "If this continues, check the registry's status page and the AWS Health Dashboard.",
        words=(
            "500 internal server error",
            "502 bad gateway",
            "503 service unavailable",
            "504 gateway time ?out",
            "status ?(?:code ?)?5\\d\\d",
        ),
    ),
    Cause(
        "network_unreachable",
        Kind.WAIT,
        "The task could not reach the image registry, or another AWS service that it needs to start.",
        _NETWORK_HINT,
        words=(
            _STEP + "(?:time ?out|timed out)",
            "i o timeout",
            "request canceled while waiting for connection",
            # Fargate cuts long messages off: `context deadli...`, `context ca...`.
            "context (?:dea|can|ca$)\\w*",
            "send request failed",
            "request send failed",
            "no such host",
            "connection refused",
            "network is unreachable",
            "no route to host",
            "connection issue between the task and",
            "check your (?:task )?network configuration",
            "signal killed",
            "could not reach any registry endpoint",
        ),
    ),
    Cause(
        "connection_cut",
        Kind.WAIT,
        "The connection to the image registry, or to another AWS service, broke.",
        "If this continues, check the registry's status page and the subnets' route to it (NAT gateway or "
        "VPC endpoints).",
        words=(
            _STEP + "eof",
            "connection reset",
            PULL + "invalid argument",
        ),
    ),
    # --- the image ------------------------------------------------------------------------------------------
    Cause(
        "image_access_denied",
        Kind.PERMANENT,
        "The image registry denied access to the image.",
        f"Correct the image's name; ECR's begin with ACCOUNT.dkr.ecr.REGION. {_EXECUTION_ROLE_HINT} "
        "(AmazonECSTaskExecutionRolePolicy has those for ECR), or credentials for another registry "
        "(repositoryCredentials).",
        words=(
            PULL + "no basic auth credentials",
            PULL + "(?:access)?denied\\w*",
            PULL + "(?:401 unauthorized|403 forbidden)",
            PULL + "not authorized to perform",
            PULL + "role has the permissions to pull",
        ),
    ),
    Cause(
        "image_not_found",
        Kind.PERMANENT,
        "The image does not exist in the registry.",
        "Push the image (make build-push) or correct its tag in the task definition.",
        words=(PULL + "not found", PULL + "manifest unknown", PULL + "does not exist"),
    ),
    # --- secrets and logs -----------------------------------------------------------------------------------
    Cause(
        "execution_role",
        Kind.PERMANENT,
        "The execution role lacks a permission.",
        f"{_EXECUTION_ROLE_HINT} (AmazonECSTaskExecutionRolePolicy has those for ECR and logs, not those for "
        "secrets).",
        words=(_STARTS + "accessdenied(?:exception)?", _STARTS + "not authorized to perform"),
    ),
    Cause(
        "log_group",
        Kind.PERMANENT,
        "The task's log group is missing or wrong.",
        "Create the log group of the task definition (terraform apply), or correct its name and region.",
        words=(
            "log group does not exist",
            "cannot find the amazon cloudwatch log group",
            "failed to (?:validate logger args|initialize logging driver)",
        ),
    ),
    Cause(
        "secret",
        Kind.PERMANENT,
        "A secret of the task definition is missing or has another form.",
        "Create the secret or parameter, give it a value, or correct the reference in the task definition.",
        words=(
            "did not contain json key",
            "check whether the secret exists",
            "can t find the specified secret",
            "retrieve secrets? .* looking for beginning of value",
            "retrieve secrets from ssm .*invalid parameters",
        ),
    ),
    # --- the host -------------------------------------------------------------------------------------------
    Cause(
        "container_engine",
        Kind.WAIT,
        "The host's container engine did not start the container in time.",
        # Launching again is safe: ECS stops the container before it reports the task as stopped, and one that
        # ran has an exit code.
        "If this continues, check the image's size and the route to CloudWatch Logs (VPC endpoint logs).",
        words=("dockertimeouterror",),
    ),
    Cause(
        "host_failed",
        Kind.WAIT,
        "The task's host failed before the container started.",
        "If this continues, check the container instances.",
        words=("devicemapper", "devmapper", "cgrouperror"),
    ),
    Cause(
        "container_lost",
        Kind.UNKNOWN,
        "The host lost sight of the container, so it may have run.",
        "Give the task retries.",
        words=("cannotinspectcontainererror",),
    ),
    Cause(
        "internal_error",
        Kind.WAIT,
        "AWS failed while it started the task.",
        "If this continues, check that Fargate supports the subnets' Availability Zones, and the AWS Health "
        "Dashboard.",
        words=("internal ?(?:error|failure)", "service unavailable"),
    ),
    # --- the step alone, when AWS says no more --------------------------------------------------------------
    Cause(
        "image_pull_retried",
        Kind.WAIT,
        "The image could not be pulled, and AWS does not say why.",
        "Check that the image exists. " + _NETWORK_HINT,
        # What remains of a message that was cut off before its reason.
        words=(PULL + "has been retried", PULL + "pull command failed"),
    ),
    Cause(
        "image_pull",
        Kind.PERMANENT,
        "The image could not be pulled.",
        "Check that the image exists (make build-push) and that the execution role may pull it. "
        + _NETWORK_HINT,
        words=("cannotpullcontainer(?:error)?",),
    ),
    Cause(
        "container_start",
        Kind.PERMANENT,
        "The container could not be started.",
        "Check the image's entrypoint and the command, the user and the architecture.",
        words=("cannot(?:start|create)container(?:error)?", "oci runtime create failed"),
    ),
    Cause(
        "resource_initialization",
        Kind.PERMANENT,
        "ECS could not prepare the task (secrets, logs or network).",
        "Check the execution role's permissions and the subnets' route to the services that AWS names.",
        words=("resourceinitializationerror",),
    ),
    Cause(
        "unexplained",
        Kind.WAIT,
        "ECS could not start the task and does not say why.",
        HEALTH_HINT,
        words=("^task failed to start$",),
    ),
)
