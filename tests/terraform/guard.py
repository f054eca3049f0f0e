"""Stands before boto3's clients: lets through what a policy allows, and keeps the book."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from terraform.iam_calls import requests_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from terraform.iam import Grant, Policy, Request
    from terraform.iam_calls import Place


@dataclass
class Guard:
    """Lets calls through that the policy allows, and keeps the book.

    Args:
        policy: the policy under which calls are made.
        place: what they are about.

    ``used`` are the permissions that allowed something, ``denied`` what nothing allowed.
    """

    policy: Policy
    place: Place
    used: set[Grant] = field(default_factory=set)
    denied: list[Request] = field(default_factory=list)

    def check(self, method: str, call: Mapping[str, Any]) -> None:
        """Ask the policy about a call.

        Raises:
            ClientError: AccessDeniedException, as AWS would.
            KeyError: the call is not known here.
        """
        for request in requests_of(self.place, method, call):
            sid = self.policy.allowing(request)
            if sid is None:
                self.denied.append(request)
                message = f"not authorized to perform {request.action} on {request.resource}"
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, method)
            self.used.add((sid, request.action))

    def watch(self, client: Any) -> Any:
        """Return the client behind the guard."""
        return _Watched(client, self)


class _Watched:
    def __init__(self, client: Any, guard: Guard) -> None:
        self._client = client
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return lambda method: _WatchedPaginator(found(method), method, self._guard)
        if name.startswith("_") or not callable(found) or isinstance(found, type):
            return found

        def call(**arguments: Any) -> Any:
            self._guard.check(name, arguments)
            return found(**arguments)

        return call


class _WatchedPaginator:
    def __init__(self, paginator: Any, method: str, guard: Guard) -> None:
        self._paginator = paginator
        self._method = method
        self._guard = guard

    def paginate(self, **arguments: Any) -> Any:
        self._guard.check(self._method, arguments)
        return self._paginator.paginate(**arguments)
