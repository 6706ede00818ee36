"""Look, explain, and on request fix: each fix is one call, carried out once and then looked at
again."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.diagnosis.by_plan import prefer_plan
from valetkey.domain.diagnosis.drift import Drift, drifts
from valetkey.domain.diagnosis.explain import explain
from valetkey.domain.diagnosis.finding import Finding
from valetkey.domain.diagnosis.view import Subject
from valetkey.domain.ports import Clock, Entropy
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.setup import AwsCall
from valetkey.domain.verification import Report
from valetkey.services.diagnosis.plans import Plans
from valetkey.services.diagnosis.reader import AwsReader
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.retries import CallRetries

#: IAM is eventually consistent, so that a call may have to be repeated for as long.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Repair:
    """What is wrong, the calls that fix what can be fixed, and what a person has to decide.

    ``drift`` is what differs from the plan; None for what Valetkey did not set up.
    """

    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...] | None = None

    @property
    def report(self) -> Report:
        return Report(tuple(finding.check for finding in self.findings))

    @property
    def calls(self) -> tuple[AwsCall, ...]:
        """Each call once, in order: one policy may fix several checks."""
        found: list[AwsCall] = []
        for finding in self.findings:
            found.extend(call for call in finding.repair if call not in found)
        return tuple(found)

    @property
    def by_hand(self) -> tuple[Finding, ...]:
        """What no call fixes, because somebody wanted it so: a deny, a boundary, a condition."""
        return tuple(finding for finding in self.findings if finding.wrong and not finding.repair)


class Diagnosis:
    """Diagnoses with an administrator's credentials. Keeps nothing."""

    def __init__(self, aws: AwsApi, clock: Clock, entropy: Entropy) -> None:
        self._aws = aws
        self._reader = AwsReader(aws, clock)
        self._patience = CallRetries(clock, entropy, limit=_PATIENCE_SECONDS)
        self._plans = Plans(Observer(aws, self._patience), clock)

    async def look(self, subject: Subject) -> Repair:
        """Return what is wrong, what would fix it, and what differs from the plan.

        Raises AwsRefused, AwsUnavailable.
        """
        view = await self._reader.view(subject)
        plan = await self._plans.of(subject, view)
        findings = prefer_plan(explain(subject, view), plan)
        return Repair(findings, drifts(plan) if plan else None)

    async def repair(self, subject: Subject, repair: Repair) -> Repair:
        """Carry the calls out, and look again. Running it again does no harm: every call puts a
        whole document. Raises AwsRefused, AwsUnavailable."""
        for call in repair.calls:
            await self._patience.write(self._aws, call)
        return await self.look(subject)
