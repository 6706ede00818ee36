"""Look, explain, and on request mend: each fix is one call, carried out once and then looked at
again."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.diagnosis.drift import Drift, drifts
from valetkey.domain.diagnosis.explain import explain
from valetkey.domain.diagnosis.finding import Finding
from valetkey.domain.diagnosis.view import SeenRole, SeenUser, Subject, View
from valetkey.domain.ports import Clock, Entropy
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.setup import OWNER_TAG, AwsCall, KeyFacts, SetupSpec, make_plan
from valetkey.domain.verification import Report
from valetkey.services.diagnosis.reader import Reader
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.patience import Patience

#: IAM is eventually consistent, so that a call may have to be repeated for as long.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Repair:
    """What is wrong, the calls that mend what can be mended, and what a person has to decide."""

    findings: tuple[Finding, ...]

    @property
    def report(self) -> Report:
        return Report(tuple(finding.check for finding in self.findings))

    @property
    def calls(self) -> tuple[AwsCall, ...]:
        """Each call once, in order: one policy may mend several checks."""
        found: list[AwsCall] = []
        for finding in self.findings:
            found.extend(call for call in finding.repair if call not in found)
        return tuple(found)

    @property
    def by_hand(self) -> tuple[Finding, ...]:
        """What no call mends, because somebody wanted it so: a deny, a boundary, a condition."""
        return tuple(finding for finding in self.findings if finding.wrong and not finding.repair)


class Diagnosis:
    """Diagnoses with an administrator's credentials. Keeps nothing."""

    def __init__(self, aws: AwsApi, clock: Clock, entropy: Entropy) -> None:
        self._aws = aws
        self._clock = clock
        self._reader = Reader(aws, clock)
        self._patience = Patience(clock, entropy, limit=_PATIENCE_SECONDS)
        self._observer = Observer(aws, self._patience)

    async def look(self, subject: Subject) -> Repair:
        """Return what is wrong and what would mend it. Raises AwsRefused, AwsUnavailable."""
        return Repair(explain(subject, await self._reader.view(subject)))

    async def drift(self, subject: Subject) -> tuple[Drift, ...] | None:
        """Return what differs from the plan that set it up; None for a set-up that Valetkey did
        not make, or whose role is gone. Raises AwsRefused, AwsUnavailable."""
        view = await self._reader.view(subject)
        spec = _planned(subject, view)
        if spec is None:
            return None
        desired = spec.resolve(account=subject.role.account, partition=subject.role.partition)
        facts = KeyFacts("Valetkey", subject.access_key_id, None, self._clock.now())
        observed = await self._observer.observe(desired)
        # Taking over is only thought of: what has lost its tag is told from what is another's.
        return drifts(make_plan(desired, observed, facts, adopt=True))

    async def mend(self, subject: Subject, repair: Repair) -> Repair:
        """Carry the calls out, and look again. Running it again does no harm: every call puts a
        whole document. Raises AwsRefused, AwsUnavailable."""
        for call in repair.calls:
            await self._patience.write(self._aws, call)
        return await self.look(subject)


def _planned(subject: Subject, view: View) -> SetupSpec | None:
    """Return the plan that a set-up was made by, as its tags and names tell. Everything that
    ``valetkey setup aws`` does by itself is expected; revocation, where a trace of it is seen."""
    role = view.role
    if not isinstance(role, SeenRole) or not role.tags.get(OWNER_TAG) or not subject.bucket:
        return None
    user = view.user.arn.rpartition("/")[2] if isinstance(view.user, SeenUser) else ""
    return SetupSpec(
        name=role.tags[OWNER_TAG],
        bucket=subject.bucket,
        region=subject.region,
        folder=subject.prefix,
        user=user,
        role=subject.role.name,
        revocation=role.boundary is not None,
    )
