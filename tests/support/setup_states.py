"""States of the AWS side for tests of plans: what is there after a finished set-up, and parts."""

from __future__ import annotations

from datetime import UTC, datetime

from valetkey.domain.setup import (
    Desired,
    KeyFacts,
    Observed,
    ObservedBucket,
    ObservedKey,
    ObservedPolicy,
    ObservedRole,
    ObservedUser,
    PolicyVersion,
    SetupSpec,
    policies,
)
from valetkey.domain.setup.storage_steps import PUBLIC_ACCESS_BLOCK

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
ACCOUNT = "123456789012"


def make_spec(*, revocation: bool = False, self_rotation: bool = True) -> SetupSpec:
    return SetupSpec(
        "valetkey",
        "acme-data",
        "eu-central-1",
        folder="train",
        revocation=revocation,
        self_rotation=self_rotation,
    )


def make_desired(*, revocation: bool = False, self_rotation: bool = True) -> Desired:
    spec = make_spec(revocation=revocation, self_rotation=self_rotation)
    return spec.resolve(account=ACCOUNT, partition="aws")


def finished(desired: Desired) -> Observed:
    """What is there when everything is as desired."""
    tags = desired.tags()
    return Observed(
        ObservedBucket(desired.region, tags, PUBLIC_ACCESS_BLOCK),
        ObservedPolicy(
            tags, policies.bucket_access(desired), (PolicyVersion("v1", True, LONG_AGO),)
        ),
        ObservedUser(tags, False, policies.user_policies(desired), (), (), (key(),)),
        ObservedRole(
            tags,
            policies.trust(desired),
            desired.policy_arn if desired.revocation else "",
            (desired.policy_arn,),
            (),
        ),
    )


def key(
    key_id: str = KEY_ID,
    *,
    active: bool = True,
    created: datetime = LONG_AGO,
    used: datetime | None = None,
) -> ObservedKey:
    return ObservedKey(key_id, active, created, used)


def facts(held: str = KEY_ID) -> KeyFacts:
    return KeyFacts("the server", held, None, NOW)
