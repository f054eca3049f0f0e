"""What a layer in front of the cloud needs; see `LocalCloud.put_in_front`."""

from __future__ import annotations

from local_cloud.ecs.rendering import as_epoch
from local_cloud.fast_json import decode, encode
from local_cloud.server.application import answer, read_body

__all__ = ["answer", "as_epoch", "decode", "encode", "read_body"]
