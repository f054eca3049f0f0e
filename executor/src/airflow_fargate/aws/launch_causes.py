"""Why RunTask starts no task: the first part of the table. See failure_causes.py for how it works."""

from __future__ import annotations

from airflow_fargate.aws.failure_causes import Cause
from airflow_fargate.aws.failure_causes import LaunchErrorKind as Kind

PULL = "cannotpullcontainer(?:error)? .*"
_REQUEST = "^(?!.*(?:cannot|resourceinitialization|unexpected ec2 error)).*"
"""Begins what is said of a request, not of a task that stopped."""
HEALTH_HINT = "If this continues, check the AWS Health Dashboard for the region."

SERVER_ERROR = Cause(
    "server_error",
    Kind.UNKNOWN,
    "AWS failed while it handled the call.",
    HEALTH_HINT,
    codes="ServerException InternalFailure InternalError InternalServerError RequestTimeout "
    "RequestTimeoutException ServiceUnavailable ServiceUnavailableException",
)
NO_ANSWER = Cause(
    "no_answer",
    Kind.UNKNOWN,
    "AWS's answer did not arrive.",
    "Check the scheduler's route to AWS (proxy, DNS, VPC endpoints).",
)
NO_REASON = Cause("no_reason", Kind.WAIT, "RunTask started nothing and gave no reason.", HEALTH_HINT)

LAUNCH_CAUSES = (
    # --- AWS is busy: quotas, rates, capacity ---------------------------------------------------------------
    Cause(
        "quota_reached",
        Kind.CAPACITY,
        "The account's quota of vCPUs or tasks at once is used up.",
        "Request a higher Fargate quota in Service Quotas (On-Demand and Spot have one each), or run fewer "
        "tasks at once.",
        words=("reached the limit on the number of",),
    ),
    Cause(
        "size_above_quota",
        Kind.CAPACITY,
        "The task is larger than the account's quota.",
        "Choose a smaller cpu and memory, or request a higher Fargate quota in Service Quotas.",
        words=("(?:cpu|memory) configuration is above your limit",),
    ),
    Cause(
        "no_capacity",
        Kind.CAPACITY,
        "AWS has no capacity for the task at this time.",
        "Add subnets in other Availability Zones, or more entries to [fargate] capacity_chain.",
        codes="SpotInterruption",
        words=("capacity ?(?:is )?unavailable", "no spot capacity", "insufficient capacity"),
    ),
    Cause(
        "registry_rate_limit",
        Kind.WAIT,
        "The image registry limits the rate of pulls.",
        "Pull the image from Amazon ECR, or give the task definition credentials for the registry "
        "(repositoryCredentials).",
        words=(
            PULL + "(?:toomanyrequests|too many requests|pull rate limit|rate exceeded)",
            PULL + "status(?: ?code)? 429",
        ),
    ),
    Cause(
        "throttled",
        Kind.THROTTLED,
        "AWS throttled the calls.",
        "Lower [fargate] run_task_rate, or request a higher API rate from AWS Support.",
        codes="ThrottlingException Throttling ThrottledException TooManyRequestsException SlowDown "
        "RequestLimitExceeded RequestThrottled RequestThrottledException LimitExceededException "
        "EC2ThrottledException BandwidthLimitExceeded PriorRequestNotComplete",
        words=(
            "rate exceeded",
            "request limit exceeded",
            "error ?code (?:throttling|requestlimitexceeded|throttlingexception)",
            "too many requests",
        ),
    ),
    Cause(
        "container_instances",
        Kind.WAIT,
        "No container instance has room for the task.",
        "Add container instances to the cluster, or use Fargate ([fargate] launch_type = FARGATE or "
        "capacity_chain).",
        words=(
            "(?:^|taskfailedtostart )(?:resource \\w+|agent)",
            "no container instances? (?:was|were) found",
            "no container instance met all",
            "noregisteredcontainerinstances",
            "no active instances",
            "empty capacity provider",
            "provisioning capacity limit exceeded",
            "unable to attach network interface to unused device index",
        ),
    ),
    # --- the call did not get through -----------------------------------------------------------------------
    Cause(
        "credentials",
        Kind.WAIT,
        "The AWS credentials are missing, expired or wrong.",
        "Check the scheduler's role or AWS credentials, and its clock.",
        # A rotated role or a metadata service that stutters: the next call may work.
        codes="ExpiredToken ExpiredTokenException UnrecognizedClientException InvalidClientTokenId "
        "InvalidAccessKeyId InvalidSignatureException RequestExpired SignatureDoesNotMatch "
        "NoCredentialsError PartialCredentialsError CredentialRetrievalError TokenRetrievalError "
        "SSOTokenLoadError UnauthorizedSSOTokenError",
    ),
    Cause(
        "not_connected",
        Kind.WAIT,
        "The scheduler could not connect to AWS.",
        "Check the scheduler's route to AWS (proxy, DNS, VPC endpoints) and [fargate] region.",
        codes="EndpointConnectionError ConnectTimeoutError ProxyConnectionError",
    ),
    SERVER_ERROR,
    NO_ANSWER,
    NO_REASON,
    Cause("no_region", Kind.PERMANENT, "No region is set.", "Set [fargate] region.", codes="NoRegionError"),
    Cause(
        "wrong_region",
        Kind.PERMANENT,
        "The region is not valid.",
        "Correct [fargate] region.",
        codes="InvalidRegionError",
    ),
    Cause(
        "wrong_profile",
        Kind.PERMANENT,
        "The AWS profile does not exist.",
        "Correct AWS_PROFILE in the scheduler's environment.",
        codes="ProfileNotFound",
    ),
    Cause(
        "wrong_request",
        Kind.PERMANENT,
        "The request has parameters that boto3 does not accept.",
        "Correct run_task in executor_config or [fargate] execution_config_function.",
        codes="ParamValidationError",
    ),
    Cause(
        "role_not_ready",
        Kind.WAIT,
        "ECS could not assume the task's role.",
        "A new role takes a minute to work. If this continues, the trust policies of the task role and the "
        "execution role must allow ecs-tasks.amazonaws.com.",
        words=("unable to assume (?:\\w+ ){0,5}role",),
    ),
    Cause(
        "dependency_failed",
        Kind.WAIT,
        "A service that ECS depends on failed.",
        HEALTH_HINT,
        words=("error ?code (?:unavailable|service\\w+|serverexception|internal\\w+|requesttimeout\\w*)",),
    ),
    # --- AWS rejects the request ----------------------------------------------------------------------------
    Cause(
        "cluster",
        Kind.PERMANENT,
        "The cluster does not exist.",
        "Create the cluster or correct [fargate] cluster and region.",
        codes="ClusterNotFoundException",
    ),
    Cause(
        "access_denied",
        Kind.PERMANENT,
        "The scheduler's role lacks a permission.",
        "Attach the scheduler policy (terraform output scheduler_policy_arn) to the role that the scheduler "
        "runs with.",
        codes="AccessDeniedException AccessDenied UnauthorizedOperation",
    ),
    Cause(
        "payload_bucket",
        Kind.PERMANENT,
        "The bucket for payloads does not exist.",
        "Create the bucket or correct [fargate] payload_bucket and region.",
        codes="NoSuchBucket PermanentRedirect",
    ),
    Cause(
        "platform_version",
        Kind.PERMANENT,
        "Fargate does not have this platform version.",
        "Correct [fargate] platform_version; LATEST always exists.",
        codes="PlatformUnknownException",
    ),
    Cause(
        "platform_incompatible",
        Kind.PERMANENT,
        "The platform version cannot run this task definition.",
        "Choose another platform_version or task definition.",
        codes="PlatformTaskDefinitionIncompatibilityException",
    ),
    Cause(
        "unsupported_in_region",
        Kind.PERMANENT,
        "The region does not support the request.",
        "This region does not offer what the request asks for: use another region or another capacity.",
        codes="UnsupportedFeatureException",
    ),
    Cause(
        "account_blocked",
        Kind.PERMANENT,
        "AWS has blocked the account.",
        "Contact AWS Support.",
        codes="BlockedException",
    ),
    Cause(
        "task_definition_inactive",
        Kind.PERMANENT,
        "The task definition is inactive.",
        "Register an active revision or correct [fargate] task_definition.",
        words=("taskdefinition is inactive",),
    ),
    Cause(
        "task_definition",
        Kind.PERMANENT,
        "The task definition does not exist.",
        "Create the task definition or correct [fargate] task_definition.",
        words=("taskdefinition not found", "unable to describe task definition"),
    ),
    Cause(
        "container_name",
        Kind.PERMANENT,
        "The task definition has no such container.",
        "Correct [fargate] container_name: the task definition has no such container.",
        words=("override for container named",),
    ),
    Cause(
        "compute_strategy",
        Kind.PERMANENT,
        "The task definition cannot run on this capacity.",
        "Match the task definition's requiresCompatibilities with launch_type and capacity_chain.",
        words=("not compatible with the selected compute strategy",),
    ),
    Cause(
        "placement",
        Kind.PERMANENT,
        "No container instance fits the task definition.",
        "Use container instances with the attributes and in the Availability Zones that the task needs, or "
        "change its placement constraints.",
        words=("(?:^|taskfailedtostart )(?:attribute|location)", "placement constraint unsatisfied"),
    ),
    # --- the network interface and the disk -----------------------------------------------------------------
    Cause(
        "no_free_address",
        Kind.WAIT,
        "The subnet has no free IP address, or the account no free network interface.",
        "Use larger or more subnets, or request a higher quota of network interfaces.",
        words=("insufficientfreeaddressesinsubnet", "networkinterfacelimitexceeded"),
    ),
    Cause(
        "network_interface_tags",
        Kind.PERMANENT,
        "AWS did not accept the tags of the network interface.",
        "Correct the task's tags, or the organization's tag policy for ec2:network-interface.",
        words=("tag the network interface (?:\\w+ )?(?:tagpolicyviolation|invalidparametervalue)",),
    ),
    Cause(
        "subnet",
        Kind.PERMANENT,
        "AWS did not accept the subnets.",
        "Correct [fargate] subnets.",
        words=("invalidsubnetid notfound", _REQUEST + "subnets?"),
    ),
    Cause(
        "security_group",
        Kind.PERMANENT,
        "AWS did not accept the security groups.",
        "Correct [fargate] security_groups: at most 5, of the subnets' VPC.",
        words=("invalidgroup notfound", _REQUEST + "security groups?"),
    ),
    Cause(
        "network_interface",
        Kind.WAIT,
        "AWS could not provide the task's network interface.",
        "If this continues, check that the subnets have free IP addresses.",
        words=(
            "timeout waiting for network interface provisioning",
            "network interface provision complete error timeout",
            "unexpected ec2 error while attempting",
            "failed to configure eni",
            "setup network namespace",
        ),
    ),
    Cause(
        "network_configuration",
        Kind.PERMANENT,
        "The request has no network configuration.",
        "Set [fargate] subnets and security_groups.",
        words=("network configuration must be provided",),
    ),
    Cause(
        "size",
        Kind.PERMANENT,
        "Fargate does not offer this size.",
        "Choose a cpu and memory that Fargate offers.",
        words=("no fargate configuration exists",),
    ),
    Cause(
        "capacity_provider",
        Kind.PERMANENT,
        "The cluster does not have the capacity provider.",
        "Add the provider to the cluster or correct capacity_chain.",
        words=("capacity provider",),
    ),
)
