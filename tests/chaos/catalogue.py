"""Every scenario, in the order of a task's life."""

from __future__ import annotations

from chaos.ending import ENDING
from chaos.hearing import HEARING
from chaos.launching import LAUNCHING
from chaos.surviving import SURVIVING, WITHOUT_QUEUE

CATALOGUE = (*LAUNCHING, *ENDING, *HEARING, *SURVIVING, *WITHOUT_QUEUE)
