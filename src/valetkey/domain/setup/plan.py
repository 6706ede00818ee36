"""Observed state and desired state -> steps, in the reference page's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.domain.setup.access_key import KeyFacts
from valetkey.domain.setup.identity_steps import (
    attachment_step,
    boundary_steps,
    key_step,
    role_step,
    trust_step,
    user_policy_steps,
    user_step,
)
from valetkey.domain.setup.observed import Observed, ObservedRole, ObservedUser
from valetkey.domain.setup.spec import Desired
from valetkey.domain.setup.steps import Step, StepName, Verdict, blocked
from valetkey.domain.setup.storage_steps import bucket_steps, policy_step, uploads_steps


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps towards the desired state."""

    desired: Desired
    steps: tuple[Step, ...]

    @property
    def obstacles(self) -> tuple[Step, ...]:
        """Steps that a person has to clear the way for."""
        stuck = {Verdict.CONFLICT, Verdict.UNREADABLE}
        return tuple(step for step in self.steps if step.verdict in stuck)

    @property
    def changes(self) -> tuple[Step, ...]:
        """Steps that change something."""
        doing = {Verdict.CREATE, Verdict.UPDATE, Verdict.ADOPT}
        return tuple(step for step in self.steps if step.verdict in doing)

    @property
    def settled(self) -> bool:
        """Tell whether everything is as desired already."""
        return not self.changes and not self.obstacles

    def step(self, name: StepName) -> Step:
        """Return the step of this name."""
        return next(step for step in self.steps if step.name is name)


_NEEDS: Final = {
    StepName.UPLOADS: {StepName.BUCKET},
    StepName.BOUNDARY: {StepName.ROLE, StepName.POLICY},
    StepName.ATTACHMENT: {StepName.ROLE, StepName.POLICY},
    StepName.ASSUME_POLICY: {StepName.USER},
    StepName.ROTATION_POLICY: {StepName.USER},
    StepName.REVOCATION_POLICY: {StepName.USER, StepName.ROLE},
    StepName.ACCESS_KEY: {StepName.USER},
    StepName.TRUST: {StepName.USER, StepName.ROLE},
}


def make_plan(desired: Desired, observed: Observed, key: KeyFacts, *, adopt: bool = False) -> Plan:
    """Compare what is with what shall be. ``adopt`` takes over objects that nobody's tag claims."""
    user, role = observed.user, observed.role
    steps = [
        *bucket_steps(desired, observed.bucket, adopt=adopt),
        policy_step(desired, observed.policy, adopt=adopt),
        user_step(desired, user, adopt=adopt),
        role_step(desired, role, adopt=adopt),
    ]
    stuck = {step.name for step in steps if step.verdict in {Verdict.CONFLICT, Verdict.UNREADABLE}}
    seen_user = user if isinstance(user, ObservedUser) else None
    seen_role = role if isinstance(role, ObservedRole) else None
    bucket = observed.bucket
    rest = [
        *uploads_steps(desired, bucket),
        *boundary_steps(desired, seen_role),
        attachment_step(desired, seen_role),
        *user_policy_steps(desired, seen_user),
        key_step(desired, seen_user, key),
        trust_step(desired, seen_role),
    ]
    steps += [blocked(step, stuck & _NEEDS[step.name]) for step in rest]
    return Plan(desired, tuple(steps))
