"""Every scenario, in the order of a task's life."""

from __future__ import annotations

from chaos.ending import ENDING
from chaos.hearing import HEARING, WITHOUT_QUEUE
from chaos.launching import LAUNCHING

CATALOGUE = (*LAUNCHING, *ENDING, *HEARING, *WITHOUT_QUEUE)
