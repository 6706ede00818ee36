"""Finding the plan that a set-up was made by: its tags and names tell."""

from __future__ import annotations

from dataclasses import replace

from valetkey.domain.diagnosis.view import Subject, View, ViewedRole, ViewedUser
from valetkey.domain.ports import Clock
from valetkey.domain.setup import (
    OWNER_TAG,
    KeyFacts,
    ObservedBucket,
    ObservedPolicy,
    Plan,
    SetupSpec,
    StepName,
    Verdict,
    make_plan,
    policies,
)
from valetkey.services.setup.observe import Observer


class Plans:
    """Compares what is there with what the plan says."""

    def __init__(self, observer: Observer, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock

    async def of(self, subject: Subject, view: View) -> Plan | None:
        """Return the plan of a set-up; None for one that Valetkey did not make, or for a bucket
        that is not part of it. Raises AwsRefused, AwsUnavailable."""
        spec = _spec_of(subject, view)
        if spec is None:
            return None
        plan = await self._compare(subject, spec)
        if plan is None or plan.step(StepName.POLICY).verdict is not Verdict.UPDATE:
            return plan
        # A location may stand on one folder of a bucket that was set up as a whole.
        whole = await self._compare(subject, replace(spec, folder=""))
        if whole is not None and whole.step(StepName.POLICY).verdict is Verdict.NOTHING:
            return whole
        return plan

    async def _compare(self, subject: Subject, spec: SetupSpec) -> Plan | None:
        role = subject.role
        desired = spec.resolve(account=role.account, partition=role.partition)
        observed = await self._observer.observe(desired)
        strict = replace(desired, strict_reference=True)
        if isinstance(observed.policy, ObservedPolicy) and policies.same(
            observed.policy.document, policies.bucket_access(strict)
        ):
            desired = strict  # somebody asked for the reference page's policy
        bucket = observed.bucket
        tags = bucket.tags if isinstance(bucket, ObservedBucket) else None
        if bucket is not None and (tags or {}).get(OWNER_TAG) != spec.name:
            return None
        facts = KeyFacts("Valetkey", subject.access_key_id, None, self._clock.now())
        # Taking over is only thought of: what has lost its tag is told from what is another's.
        return make_plan(desired, observed, facts, adopt=True)


def _spec_of(subject: Subject, view: View) -> SetupSpec | None:
    """Everything that ``valetkey setup aws`` does by itself is expected, under its usual names;
    revocation, where a trace of it is seen."""
    role = view.role
    name = role.tags.get(OWNER_TAG, "") if isinstance(role, ViewedRole) else ""
    if not isinstance(role, ViewedRole) or not name or not subject.bucket or not subject.region:
        return None
    user = view.user.arn.rpartition("/")[2] if isinstance(view.user, ViewedUser) else ""
    return SetupSpec(
        name=name,
        bucket=subject.bucket,
        region=subject.region,
        folder=subject.prefix,
        user=user,
        role=subject.role.name,
        revocation=role.boundary is not None,
    )
