"""Every scenario, in the order of a task's life."""

from __future__ import annotations

from chaos.capacity_and_payloads import CAPACITY_AND_PAYLOADS
from chaos.ending import ENDING
from chaos.launching import LAUNCHING
from chaos.receiving import RECEIVING
from chaos.scheduling import SCHEDULING
from chaos.standing_by import STANDING_BY
from chaos.starting import STARTING
from chaos.surviving import SURVIVING, WITHOUT_QUEUE

CATALOGUE = (
    *LAUNCHING,
    *CAPACITY_AND_PAYLOADS,
    *STARTING,
    *ENDING,
    *RECEIVING,
    *SURVIVING,
    *WITHOUT_QUEUE,
    *SCHEDULING,
    *STANDING_BY,
)
