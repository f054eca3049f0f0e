"""What is left in the emulated account: every resource a stack like ours can make, by service."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import boto3
import jmespath
from botocore.config import Config

# (service, operation, parameters, what to show). The account's own furniture is left out: default VPC and
# what belongs to it, AWS's managed policies and key aliases, the default event bus, what has been deleted
# already.
QUESTIONS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    (
        "application-autoscaling",
        "describe_scalable_targets",
        {"ServiceNamespace": "ecs"},
        "ScalableTargets[].ResourceId",
    ),
    ("cloudwatch", "describe_alarms", {}, "MetricAlarms[].AlarmName"),
    ("cloudwatch", "list_dashboards", {}, "DashboardEntries[].DashboardName"),
    ("dynamodb", "list_tables", {}, "TableNames"),
    ("ec2", "describe_addresses", {}, "Addresses[].AllocationId"),
    ("ec2", "describe_flow_logs", {}, "FlowLogs[].FlowLogId"),
    ("ec2", "describe_internet_gateways", {}, "InternetGateways[].InternetGatewayId"),
    ("ec2", "describe_nat_gateways", {}, "NatGateways[?State!='deleted'].NatGatewayId"),
    ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces[].NetworkInterfaceId"),
    ("ec2", "describe_vpc_endpoints", {}, "VpcEndpoints[?State!='deleted'].VpcEndpointId"),
    ("ec2", "describe_vpcs", {}, "Vpcs[?!IsDefault].VpcId"),
    ("ec2", "describe_subnets", {}, "Subnets[?!DefaultForAz].SubnetId"),
    ("ec2", "describe_security_groups", {}, "SecurityGroups[?GroupName!='default'].GroupId"),
    ("ec2", "describe_route_tables", {}, "RouteTables[?!(Associations[?Main])].RouteTableId"),
    ("ecr", "describe_repositories", {}, "repositories[].repositoryName"),
    ("ecs", "list_clusters", {}, "clusterArns"),
    ("ecs", "list_task_definitions", {"status": "ACTIVE"}, "taskDefinitionArns"),
    ("elbv2", "describe_load_balancers", {}, "LoadBalancers[].LoadBalancerArn"),
    ("elbv2", "describe_target_groups", {}, "TargetGroups[].TargetGroupArn"),
    ("events", "list_rules", {}, "Rules[].Name"),
    ("events", "list_event_buses", {}, "EventBuses[?Name!='default'].Name"),
    ("iam", "list_roles", {}, "Roles[].RoleName"),
    ("iam", "list_policies", {"Scope": "Local"}, "Policies[].Arn"),
    ("iam", "list_users", {}, "Users[].UserName"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles[].InstanceProfileName"),
    ("kms", "list_aliases", {}, "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasName"),
    ("lambda", "list_functions", {}, "Functions[].FunctionName"),
    ("logs", "describe_log_groups", {}, "logGroups[].logGroupName"),
    ("logs", "describe_metric_filters", {}, "metricFilters[].filterName"),
    ("rds", "describe_db_instances", {}, "DBInstances[].DBInstanceIdentifier"),
    ("rds", "describe_db_clusters", {}, "DBClusters[].DBClusterIdentifier"),
    (
        "rds",
        "describe_db_parameter_groups",
        {},
        "DBParameterGroups[?!starts_with(DBParameterGroupName, 'default.')].DBParameterGroupName",
    ),
    (
        "rds",
        "describe_db_snapshots",
        {},
        "DBSnapshots[?SnapshotType=='manual'].DBSnapshotIdentifier",
    ),
    ("rds", "describe_db_subnet_groups", {}, "DBSubnetGroups[].DBSubnetGroupName"),
    ("route53", "list_hosted_zones", {}, "HostedZones[].Id"),
    ("s3", "list_buckets", {}, "Buckets[].Name"),
    ("scheduler", "list_schedules", {}, "Schedules[].Name"),
    ("secretsmanager", "list_secrets", {}, "SecretList[].Name"),
    ("servicediscovery", "list_namespaces", {}, "Namespaces[].Id"),
    ("servicediscovery", "list_services", {}, "Services[].Id"),
    ("sns", "list_topics", {}, "Topics[].TopicArn"),
    ("sqs", "list_queues", {}, "QueueUrls"),
    ("ssm", "describe_parameters", {}, "Parameters[].Name"),
)


# Where moto's name of a service is not boto3's.
MOTO_NAMES = {"application-autoscaling": "applicationautoscaling", "elbv2": "elb"}


def take_inventory(endpoint: str, regions: frozenset[str], used: frozenset[str]) -> dict[str, list[str]]:
    """Ask the cloud at `endpoint` for what is left in these regions; services without anything are left out.

    used: moto's names of the services anybody has called; the others are empty, and asking them would load
    them. KMS keys count until their deletion is scheduled, as that is all a deletion of a key can be.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for region in sorted(regions or {"us-east-1"}):
        session = boto3.Session("local", "local", region_name=region)
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        clients: dict[str, Any] = {}
        for service, operation, parameters, expression in QUESTIONS:
            if MOTO_NAMES.get(service, service) not in used:
                continue
            if service not in clients:
                clients[service] = session.client(service, endpoint_url=endpoint, config=config)
            answer = getattr(clients[service], operation)(**parameters)
            found[service].update(jmespath.search(expression, answer) or [])
        if "kms" not in used:
            continue
        kms = session.client("kms", endpoint_url=endpoint, config=config)
        for key in kms.list_keys()["Keys"]:
            metadata = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if metadata["KeyState"] != "PendingDeletion" and metadata["KeyManager"] == "CUSTOMER":
                found["kms"].add(key["KeyId"])
    return {service: sorted(names) for service, names in sorted(found.items()) if names}
