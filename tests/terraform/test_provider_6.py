"""Release 6 of the provider is not had everywhere; its schema says whether it takes what is written."""

from __future__ import annotations

import json

import pytest

from terraform import provider_6

FACTS = json.loads(provider_6.FACTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(provider_6.used()))
def test_what_is_set_and_read_exists_in_release_6(name: str) -> None:
    """Every argument, block and attribute that the configuration names is in the provider's schema."""
    assert FACTS["provider"].startswith("6.")
    assert provider_6.used()[name] - set(FACTS["known"].get(name, ())) == set()


def test_arguments_are_found_in_blocks_and_not_in_values() -> None:
    """Nested and dynamic blocks count; keys of maps and of policies do not."""
    body = """  name = var.name
  tags = { Name = "x" }

  policy = jsonencode({
    Statement = [{ Effect = "Allow" }]
  })

  rule {
    filter {}

    expiration {
      days = 1
    }
  }

  dynamic "volume" {
    for_each = local.volumes

    content {
      size = volume.key
    }
  }
"""

    found = set(provider_6.arguments(body)) - provider_6.META

    assert found == {"name", "tags", "policy", "rule", "filter", "expiration", "days", "volume", "size"}
