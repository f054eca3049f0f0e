"""Every scenario, in the order of a task's life."""

from __future__ import annotations

from chaos.ending import ENDING
from chaos.hearing import HEARING
from chaos.launching import LAUNCHING
from chaos.refusing import REFUSED
from chaos.scheduling import SCHEDULING
from chaos.standing_by import STANDING_BY
from chaos.starting import STARTING
from chaos.surviving import SURVIVING, WITHOUT_QUEUE

CATALOGUE = (
    *LAUNCHING,
    *REFUSED,
    *STARTING,
    *ENDING,
    *HEARING,
    *SURVIVING,
    *WITHOUT_QUEUE,
    *SCHEDULING,
    *STANDING_BY,
)
