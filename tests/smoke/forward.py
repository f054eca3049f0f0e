"""Forwards a port of this machine to the current container of the API server.

``python -m smoke.forward HOST PORT CLOUD``, CLOUD being the local cloud's address. On AWS, `make open` does
this through SSM; the local cloud has no data channel for its plugin.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import urllib.request
from typing import Any

API_PORT = 8080


def address_of_api(tasks: list[dict[str, Any]]) -> str | None:
    """Return the address of the newest running container of the service ``api``.

    Args:
        tasks: ECS tasks as the local cloud shows them.
    """
    running = [
        task for task in tasks if task.get("group") == "service:api" and task["lastStatus"] == "RUNNING"
    ]
    for task in sorted(running, key=lambda task: str(task["createdAt"]), reverse=True):
        for attachment in task["attachments"]:
            for each in attachment["details"]:
                if each["name"] == "privateIPv4Address":
                    return str(each["value"])
    return None


def _find(cloud: str) -> str | None:
    with urllib.request.urlopen(f"{cloud}/_local/tasks", timeout=30) as reply:  # noqa: S310  loopback
        return address_of_api(json.load(reply)["tasks"])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(host: str, port: int, cloud: str) -> None:
    """Forward connections until the process ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            address = await asyncio.to_thread(_find, cloud)
            to_api = await asyncio.open_connection(address, API_PORT) if address else None
        except OSError:
            to_api = None
        if to_api is None:
            writer.close()  # there is no API server at the moment
            return
        await asyncio.gather(_copy(reader, to_api[1]), _copy(to_api[0], writer))

    server = await asyncio.start_server(connected, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
