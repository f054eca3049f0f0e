"""The profiles of the property tests: fixed examples for ``make test``, new ones for ``make fuzz``.

``conftest.py`` registers them and loads ``fixed``; ``--hypothesis-profile=explore`` loads another one.
No profile has a deadline, because a busy machine is not a bug.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.conjecture.providers import _get_local_constants

EXPLORED = 2000
"""Examples per property in `make fuzz` (EXAMPLES=)."""
_SLOW_OR_LARGE = (HealthCheck.too_slow, HealthCheck.data_too_large)
_NONE = providers.Constants()


def register() -> None:
    """Register the profiles and load ``fixed``."""
    common = settings(deadline=None, suppress_health_check=_SLOW_OR_LARGE)
    fixed = settings(common, derandomize=True, database=None, max_examples=100)
    settings.register_profile("fixed", fixed)
    settings.register_profile("mutation", fixed, max_examples=30)
    explored = int(os.environ.get("EXAMPLES") or EXPLORED)
    settings.register_profile("explore", common, max_examples=explored, print_blob=True)
    settings.load_profile("fixed")
    providers._get_local_constants = _constants


def _constants() -> providers.Constants:
    """Return the extra constants that hypothesis tries: none in a fixed run.

    Otherwise, it uses the constants of all local modules imported so far, for one value in forty. The
    examples would depend on the tests that ran before, and on the folder of the checkout.
    """
    return _get_local_constants() if settings.get_current_profile_name() == "explore" else _NONE


def share_of_examples(share: float) -> settings:
    """Return settings for a slow property, which runs this share of the profile's examples."""
    return settings(max_examples=max(1, round(settings().max_examples * share)))
