"""Taking a set-up down: what goes, what is only let go of, and what stands in the way. Pure.

What the set-up made is removed; what it took over (``--adopt``) is released: our own additions and
tags come off, and the object stays. What is not tagged ours is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from valetkey.counting import counted
from valetkey.domain.setup.calls import AwsCall, iam, s3
from valetkey.domain.setup.identity_steps import DENY_POLICY
from valetkey.domain.setup.observed import (
    Observed,
    ObservedBucket,
    ObservedPolicy,
    ObservedRole,
    ObservedUser,
    Unreadable,
)
from valetkey.domain.setup.spec import ADOPTED, ORIGIN_TAG, OWNER_TAG, Desired
from valetkey.domain.setup.steps import tag_list
from valetkey.domain.setup.storage_steps import put_lifecycle

_STAYS: Final = "it was there before the set-up, and stays"


class RemovalAction(StrEnum):
    """What happens to an object. ``keep``: it is not ours. ``refuse``: it can't go as things
    are."""

    REMOVE = "remove"
    RELEASE = "release"
    KEEP = "keep"
    ABSENT = "absent"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Removal:
    """One object: ``kind`` (user, role, policy, bucket), ``what`` it is in words, its ``parts``
    that go with it, and the calls, in order. ``empty_first``: objects to delete before."""

    kind: str
    what: str
    action: RemovalAction
    detail: str = ""
    fix: str = ""
    parts: tuple[str, ...] = ()
    calls: tuple[AwsCall, ...] = ()
    empty_first: bool = False


@dataclass(frozen=True, slots=True)
class TeardownPlan:
    """All that destroy does, in order: identities before what they may use. ``held_key`` is the
    id of the access key that the custodian holds."""

    desired: Desired
    removals: tuple[Removal, ...]
    held_key: str = ""

    @property
    def obstacles(self) -> tuple[Removal, ...]:
        return tuple(item for item in self.removals if item.action is RemovalAction.REFUSE)

    @property
    def changes(self) -> tuple[Removal, ...]:
        doing = {RemovalAction.REMOVE, RemovalAction.RELEASE}
        return tuple(item for item in self.removals if item.action in doing)


@dataclass(frozen=True, slots=True)
class Dependents:
    """What removal needs to know beyond the plan's view: who else uses the policy (as
    ``user NAME``, ``role NAME``, ``group NAME``), the role's instance profiles, how many object
    versions the bucket holds, and which access key is ours (empty: none)."""

    policy_users: tuple[str, ...] = ()
    instance_profiles: tuple[str, ...] = ()
    object_versions: int = 0
    held_key: str = ""


def make_teardown(
    desired: Desired, observed: Observed, dependents: Dependents, *, delete_objects: bool = False
) -> TeardownPlan:
    """Say what destroy removes, releases, and leaves alone."""
    return TeardownPlan(
        desired,
        (
            _user(desired, observed.user, dependents),
            _role(desired, observed.role, dependents),
            _policy(desired, observed.policy, dependents),
            _bucket(desired, observed.bucket, dependents, delete_objects=delete_objects),
        ),
        dependents.held_key,
    )


class _Tagged(Protocol):
    @property
    def tags(self) -> Mapping[str, str] | None: ...


S = TypeVar("S", bound=_Tagged)


def _ours(kind: str, what: str, seen: S | Unreadable | None, desired: Desired) -> S | Removal:
    """Return what was seen, if this set-up made or adopted it; else what becomes of it."""
    if seen is None:
        return Removal(kind, what, RemovalAction.ABSENT)
    if isinstance(seen, Unreadable):
        return Removal(kind, what, RemovalAction.REFUSE, seen.reason, seen.fix)
    owner = (seen.tags or {}).get(OWNER_TAG)
    if owner == desired.name:
        return seen
    detail = f"it belongs to the set-up {owner!r}" if owner else "Valetkey did not make it"
    return Removal(kind, what, RemovalAction.KEEP, detail)


def _user(
    desired: Desired, found: ObservedUser | Unreadable | None, dependents: Dependents
) -> Removal:
    kind, what = "user", f"user {desired.user}"
    seen = _ours(kind, what, found, desired)
    if isinstance(seen, Removal):
        return seen
    adopted = seen.tags.get(ORIGIN_TAG) == ADOPTED
    ours = {desired.assume_policy, desired.rotation_policy, desired.revocation_policy}
    keys = [key.id for key in seen.keys if not adopted or key.id == dependents.held_key]
    inline = [name for name in sorted(seen.inline) if not adopted or name in ours]
    attached = () if adopted else seen.attached
    groups = () if adopted else seen.groups
    where = {"UserName": desired.user}
    calls = [
        *(iam("DeleteAccessKey", **where, AccessKeyId=key) for key in keys),
        *(iam("DeleteUserPolicy", **where, PolicyName=name) for name in inline),
        *(iam("DetachUserPolicy", **where, PolicyArn=arn) for arn in attached),
        *(iam("RemoveUserFromGroup", **where, GroupName=name) for name in groups),
    ]
    if seen.console and not adopted:
        calls.append(iam("DeleteLoginProfile", **where))
    parts = (
        *(f"access key {key}" for key in keys),
        *(f"inline policy {name}" for name in inline),
        *(f"attachment of {arn}" for arn in attached),
        *(f"membership in group {name}" for name in groups),
    )
    if adopted:
        calls.append(iam("UntagUser", **where, TagKeys=[OWNER_TAG, ORIGIN_TAG]))
        return Removal(kind, what, RemovalAction.RELEASE, _STAYS, parts=parts, calls=tuple(calls))
    calls.append(iam("DeleteUser", **where))
    return Removal(kind, what, RemovalAction.REMOVE, parts=parts, calls=tuple(calls))


def _role(
    desired: Desired, found: ObservedRole | Unreadable | None, dependents: Dependents
) -> Removal:
    kind, what = "role", f"role {desired.role}"
    seen = _ours(kind, what, found, desired)
    if isinstance(seen, Removal):
        return seen
    adopted = seen.tags.get(ORIGIN_TAG) == ADOPTED
    inline = [name for name in seen.inline if not adopted or name == DENY_POLICY]
    attached = [arn for arn in seen.attached if not adopted or arn == desired.policy_arn]
    profiles = () if adopted else dependents.instance_profiles
    where = {"RoleName": desired.role}
    calls = [
        *(iam("DeleteRolePolicy", **where, PolicyName=name) for name in inline),
        *(iam("DetachRolePolicy", **where, PolicyArn=arn) for arn in attached),
        *(
            iam("RemoveRoleFromInstanceProfile", **where, InstanceProfileName=name)
            for name in profiles
        ),
    ]
    if seen.boundary == desired.policy_arn:
        calls.append(iam("DeleteRolePermissionsBoundary", **where))
    parts = (
        *(f"inline policy {name}" for name in inline),
        *(f"attachment of {arn}" for arn in attached),
        *(f"place in instance profile {name}" for name in profiles),
    )
    if adopted:
        calls.append(iam("UntagRole", **where, TagKeys=[OWNER_TAG, ORIGIN_TAG]))
        detail = f"{_STAYS}; its trust policy still names the user: put yours back"
        return Removal(kind, what, RemovalAction.RELEASE, detail, parts=parts, calls=tuple(calls))
    calls.append(iam("DeleteRole", **where))
    return Removal(kind, what, RemovalAction.REMOVE, parts=parts, calls=tuple(calls))


def _policy(
    desired: Desired, found: ObservedPolicy | Unreadable | None, dependents: Dependents
) -> Removal:
    kind, what = "policy", f"policy {desired.policy}"
    seen = _ours(kind, what, found, desired)
    if isinstance(seen, Removal):
        return seen
    where = {"PolicyArn": desired.policy_arn}
    if seen.tags.get(ORIGIN_TAG) == ADOPTED:
        untag = iam("UntagPolicy", **where, TagKeys=[OWNER_TAG, ORIGIN_TAG])
        return Removal(kind, what, RemovalAction.RELEASE, _STAYS, calls=(untag,))
    others = [name for name in dependents.policy_users if name != f"role {desired.role}"]
    if others:
        detail = f"others use it: {', '.join(others)}"
        fix = f"Detach it there first: aws iam detach-...-policy --policy-arn {desired.policy_arn}"
        return Removal(kind, what, RemovalAction.REFUSE, detail, fix)
    old = [version.id for version in seen.versions if not version.default]
    calls = [iam("DeletePolicyVersion", **where, VersionId=version) for version in old]
    calls.append(iam("DeletePolicy", **where))
    parts = tuple(f"version {version}" for version in old)
    return Removal(kind, what, RemovalAction.REMOVE, parts=parts, calls=tuple(calls))


def _bucket(
    desired: Desired,
    found: ObservedBucket | Unreadable | None,
    dependents: Dependents,
    *,
    delete_objects: bool,
) -> Removal:
    kind, what = "bucket", f"bucket {desired.bucket}"
    seen = _ours(kind, what, found, desired)
    if isinstance(seen, Removal):
        return seen
    tags = dict(seen.tags or {})
    where = {"Bucket": desired.bucket}
    if tags.get(ORIGIN_TAG) == ADOPTED:
        left = {name: value for name, value in tags.items() if name not in {OWNER_TAG, ORIGIN_TAG}}
        untag = s3("DeleteBucketTagging", seen.region, **where)
        if left:
            untag = s3("PutBucketTagging", seen.region, **where, Tagging={"TagSet": tag_list(left)})
        unruled = _without_rule(desired, seen)
        rule = [f"lifecycle rule {desired.uploads_rule}"] if unruled else []
        return Removal(
            kind,
            what,
            RemovalAction.RELEASE,
            _STAYS,
            parts=tuple(rule),
            calls=(*unruled, untag),
        )
    count = dependents.object_versions
    if count and not delete_objects:
        return Removal(
            kind,
            what,
            RemovalAction.REFUSE,
            f"it holds {counted(count, 'object')} (every version and delete marker counted)",
            "Move them elsewhere, or delete them with the bucket: --delete-objects.",
        )
    parts = (
        (f"{counted(count, 'object')} (every version and delete marker counted)",) if count else ()
    )
    drop = s3("DeleteBucket", seen.region, **where)
    return Removal(
        kind, what, RemovalAction.REMOVE, parts=parts, calls=(drop,), empty_first=delete_objects
    )


def _without_rule(desired: Desired, seen: ObservedBucket) -> tuple[AwsCall, ...]:
    """Return the call that takes our lifecycle rule off a bucket that stays, if it is there."""
    if not isinstance(seen.lifecycle, Mapping):
        return ()
    rules = seen.lifecycle.get("Rules", ())
    others = [rule for rule in rules if rule.get("ID") != desired.uploads_rule]
    if len(others) == len(rules):
        return ()
    if others:
        return (put_lifecycle(desired.bucket, seen.region, seen.lifecycle, others),)
    return (s3("DeleteBucketLifecycle", seen.region, Bucket=desired.bucket),)
