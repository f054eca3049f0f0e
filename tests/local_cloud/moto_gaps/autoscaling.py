"""What moto's Application Auto Scaling lacks: tags, and that ECS services are the plane's and not moto's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

if TYPE_CHECKING:
    from local_cloud.services.calls import Services

_attached: list[Services] = []
_register = ApplicationAutoScalingResponse.register_scalable_target


def attach(services: Services) -> None:
    """Accept targets for the services of this cloud."""
    _attached.append(services)


def detach(services: Services) -> None:
    """Accept its targets no more."""
    _attached.remove(services)


def register_scalable_target(response: Any) -> str:
    """Register the target with its tags."""
    answer = str(_register(response))
    if tags := response._get_param("Tags"):
        _tags(response, json.loads(answer)["ScalableTargetARN"]).update(tags)
    return answer


def list_tags_for_resource(response: Any) -> str:
    """Answer ListTagsForResource, which Terraform asks after every change."""
    return json.dumps({"Tags": _tags(response, response._get_param("ResourceARN"))})


def tag_resource(response: Any) -> str:
    """Answer TagResource."""
    _tags(response, response._get_param("ResourceARN")).update(response._get_param("Tags") or {})
    return "{}"


def untag_resource(response: Any) -> str:
    """Answer UntagResource."""
    tags = _tags(response, response._get_param("ResourceARN"))
    for key in response._get_param("TagKeys") or []:
        tags.pop(key, None)
    return "{}"


def service_exists(backend: Any, resource_id: str) -> bool:
    """Accept a target of an ECS service that the task plane has."""
    _, cluster, service = resource_id.split("/")
    if not any(services.has(backend.region_name, cluster, service) for services in _attached):
        raise AWSValidationException(f"ECS service doesn't exist: {resource_id}")
    return True


def _tags(response: Any, arn: str) -> dict[str, str]:
    """The tags of the target with this ARN, to be read and changed."""
    backend = response.applicationautoscaling_backend
    for targets in backend.targets.values():
        for target in targets.values():
            if target.arn == arn:
                if not hasattr(target, "tags"):
                    target.tags = {}
                found: dict[str, str] = target.tags
                return found
    raise AWSValidationException(f"No scalable target has the ARN {arn}.")


def install() -> None:
    """Put all this in place of moto's; once per process."""
    ApplicationAutoScalingResponse.register_scalable_target = register_scalable_target
    ApplicationAutoScalingResponse.list_tags_for_resource = list_tags_for_resource
    ApplicationAutoScalingResponse.tag_resource = tag_resource
    ApplicationAutoScalingResponse.untag_resource = untag_resource
    ApplicationAutoscalingBackend._ecs_service_exists_for_target = service_exists
