"""The AWS side as desired state: bucket, policy, user, role, inline policies, key, trust. Pure."""

from valetkey.domain.setup.access_key import KeyFacts, KeyIntent
from valetkey.domain.setup.calls import AwsCall, iam, s3
from valetkey.domain.setup.identity_steps import DENY_POLICY
from valetkey.domain.setup.observed import (
    NOTHING_THERE,
    Observed,
    ObservedBucket,
    ObservedKey,
    ObservedPolicy,
    ObservedRole,
    ObservedUser,
    PolicyVersion,
    Unreadable,
)
from valetkey.domain.setup.plan import Plan, make_plan
from valetkey.domain.setup.removal import (
    Dependents,
    Removal,
    RemovalAction,
    TeardownPlan,
    make_teardown,
)
from valetkey.domain.setup.spec import (
    ADOPTED,
    CREATED,
    ORIGIN_TAG,
    OWNER_TAG,
    Desired,
    SetupSpec,
)
from valetkey.domain.setup.steps import Step, StepName, Verdict

__all__ = [
    "ADOPTED",
    "CREATED",
    "DENY_POLICY",
    "NOTHING_THERE",
    "ORIGIN_TAG",
    "OWNER_TAG",
    "AwsCall",
    "Dependents",
    "Desired",
    "KeyFacts",
    "KeyIntent",
    "Observed",
    "ObservedBucket",
    "ObservedKey",
    "ObservedPolicy",
    "ObservedRole",
    "ObservedUser",
    "Plan",
    "PolicyVersion",
    "Removal",
    "RemovalAction",
    "SetupSpec",
    "Step",
    "StepName",
    "TeardownPlan",
    "Unreadable",
    "Verdict",
    "iam",
    "make_plan",
    "make_teardown",
    "s3",
]
