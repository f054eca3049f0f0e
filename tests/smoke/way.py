"""What both ways of running the smoke share: the complete deployment, and your own Airflow beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smoke import checks, standbys
from smoke.checks import Finding
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from smoke.evidence import Evidence
    from smoke.machine import Machine
    from smoke.session import Session


@dataclass
class Way:
    """One run.

    Args:
        session: this run's tools.
        terraform_program: path of Terraform.
        evidence: the results, once they are collected.
        machine: the first steps.
        airflow_url: address of Airflow's page on this machine, once it answers.
        login: how to log in there.
        found: findings about anything but the evidence.
    """

    session: Session
    terraform_program: str
    evidence: Evidence | None = None
    machine: Machine | None = None
    airflow_url: str = ""
    login: str = ""
    found: list[Finding] = field(default_factory=list)

    def run(self) -> list[Finding]:
        """Run all steps and return the findings.

        Raises:
            SmokeError: a step failed; the caller takes everything down.
        """
        raise NotImplementedError

    def find(self, name: str, wrong: tuple[str, ...]) -> None:
        """Add a finding; ``wrong`` is empty if all is well."""
        self.found.append(Finding(name, wrong))

    def findings(self) -> list[Finding]:
        """Return all findings.

        Raises:
            SmokeError: there is no evidence.
        """
        if self.evidence is None:
            raise SmokeError("The run ended without any evidence.")
        return [*checks.run_checks(self.evidence), *standbys.run_checks(self.evidence), *self.found]
