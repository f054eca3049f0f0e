"""ListTagsForResource, TagResource and UntagResource, for whatever has tags. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS = ("ListTagsForResource", "TagResource", "UntagResource")
MAX_TAGS = 50


def given_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The `tags` of a request; raises AwsError for too many."""
    return _checked(
        {str(item.get("key")): str(item.get("value", "")) for item in parameters.get("tags") or ()}
    )


def changed_tags(operation: str, tags: Mapping[str, str], parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tags after the operation; raises AwsError for too many."""
    if operation == "TagResource":
        return _checked({**tags, **given_tags(parameters)})
    gone = set(parameters.get("tagKeys") or ()) if operation == "UntagResource" else set()
    return {key: value for key, value in tags.items() if key not in gone}


def tags_document(operation: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The answer to the operation."""
    if operation != "ListTagsForResource":
        return {}
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _checked(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource can have at most {MAX_TAGS} tags.")
    return tags
