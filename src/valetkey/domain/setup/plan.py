"""Observed state and desired state -> steps, in the reference page's order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.domain.setup import policies
from valetkey.domain.setup.access_key import KeepKey, KeyConflict, KeyFacts, decide
from valetkey.domain.setup.calls import AwsCall, iam, s3
from valetkey.domain.setup.observed import (
    Observed,
    SeenBucket,
    SeenPolicy,
    SeenRole,
    SeenUser,
    Unseen,
)
from valetkey.domain.setup.spec import ADOPTED, OWNER_TAG, Desired

#: Where a role's revoked sessions are denied; what is put there is not drift.
DENY_POLICY: Final = "valetkey-revocations"
#: IAM keeps at most five versions of a policy.
MOST_VERSIONS: Final = 5

PUBLIC_ACCESS_BLOCK: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


class StepName(StrEnum):
    """The steps, in order."""

    BUCKET = "bucket"
    PUBLIC_ACCESS = "public-access"
    POLICY = "policy"
    USER = "user"
    ROLE = "role"
    BOUNDARY = "boundary"
    ATTACHMENT = "attachment"
    ASSUME_POLICY = "assume-policy"
    ROTATION_POLICY = "rotation-policy"
    REVOCATION_POLICY = "revocation-policy"
    ACCESS_KEY = "access-key"
    TRUST = "trust"


class Verdict(StrEnum):
    """What is to be done at a step. ``blocked``: an earlier step's conflict stands before it."""

    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``claim`` is a sentence that holds once the step is done; ``detail`` says what
    differs; ``surplus`` names what is there beyond the plan, which nobody but its owner removes."""

    name: StepName
    claim: str
    verdict: Verdict
    detail: str = ""
    fix: str = ""
    calls: tuple[AwsCall, ...] = ()
    surplus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps towards the desired state."""

    desired: Desired
    steps: tuple[Step, ...]

    @property
    def obstacles(self) -> tuple[Step, ...]:
        """Steps that a person has to clear the way for."""
        stuck = {Verdict.CONFLICT, Verdict.UNSEEN}
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


def make_plan(desired: Desired, observed: Observed, key: KeyFacts, *, adopt: bool = False) -> Plan:
    """Compare what is with what shall be. ``adopt`` takes over objects that nobody's tag claims."""
    user, role = observed.user, observed.role
    steps = [
        *_bucket_steps(desired, observed.bucket, adopt=adopt),
        _policy_step(desired, observed.policy, adopt=adopt),
        _user_step(desired, user, adopt=adopt),
        _role_step(desired, role, adopt=adopt),
    ]
    stuck = {step.name for step in steps if step.verdict in {Verdict.CONFLICT, Verdict.UNSEEN}}
    seen_user = user if isinstance(user, SeenUser) else None
    seen_role = role if isinstance(role, SeenRole) else None
    rest = [
        *_boundary_steps(desired, seen_role),
        _attachment_step(desired, seen_role),
        *_user_policy_steps(desired, seen_user),
        _key_step(desired, seen_user, key),
        _trust_step(desired, seen_role),
    ]
    steps += [_blocked(step, stuck & _NEEDS[step.name]) for step in rest]
    return Plan(desired, tuple(steps))


_NEEDS: Final = {
    StepName.BOUNDARY: {StepName.ROLE, StepName.POLICY},
    StepName.ATTACHMENT: {StepName.ROLE, StepName.POLICY},
    StepName.ASSUME_POLICY: {StepName.USER},
    StepName.ROTATION_POLICY: {StepName.USER},
    StepName.REVOCATION_POLICY: {StepName.USER, StepName.ROLE},
    StepName.ACCESS_KEY: {StepName.USER},
    StepName.TRUST: {StepName.USER, StepName.ROLE},
}


def _blocked(step: Step, by: set[StepName]) -> Step:
    if not by:
        return step
    detail = f"waits for {' and '.join(sorted(by))}"
    return Step(step.name, step.claim, Verdict.BLOCKED, detail)


def _unseen(name: StepName, claim: str, part: Unseen) -> Step:
    return Step(name, claim, Verdict.UNSEEN, part.reason, part.fix)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Whose an object is: ours (no calls), adoptable (the calls that tag it), or a conflict."""

    conflict: str = ""
    fix: str = ""
    calls: tuple[AwsCall, ...] = ()


def _claim(
    desired: Desired, tags: Mapping[str, str], what: str, tagging: AwsCall, *, adopt: bool
) -> _Claim:
    owner = tags.get(OWNER_TAG)
    if owner == desired.name:
        return _Claim()
    if owner is not None:
        return _Claim(
            f"{what} belongs to the set-up {owner!r}.",
            f"Use --name {owner}, or choose another name for it in this set-up.",
        )
    if not adopt:
        return _Claim(
            f"{what} is there already, and Valetkey did not make it.",
            "Choose another name, or take it over with --adopt.",
        )
    return _Claim(calls=(tagging,))


def _iam_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _judge(
    name: StepName,
    claim: str,
    ownership: _Claim,
    updates: list[tuple[str, AwsCall]],
    surplus: tuple[str, ...] = (),
) -> Step:
    """Put a step together from whose the object is and what differs."""
    if ownership.conflict:
        return Step(name, claim, Verdict.CONFLICT, ownership.conflict, ownership.fix)
    detail = "; ".join(dict.fromkeys(reason for reason, _ in updates if reason))
    calls = (*ownership.calls, *(call for _, call in updates))
    verdict = Verdict.ADOPT if ownership.calls else Verdict.UPDATE if updates else Verdict.NOTHING
    return Step(name, claim, verdict, detail, calls=calls, surplus=surplus)


def _bucket_steps(
    desired: Desired, seen: SeenBucket | Unseen | None, *, adopt: bool
) -> tuple[Step, ...]:
    claim = f"The bucket {desired.bucket} is in {desired.region}."
    block_claim = f"All public access to {desired.bucket} is blocked."
    block = s3(
        "PutPublicAccessBlock",
        desired.region,
        Bucket=desired.bucket,
        PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK,
    )
    blocking = Step(StepName.PUBLIC_ACCESS, block_claim, Verdict.CREATE, calls=(block,))
    if isinstance(seen, Unseen):
        first = _unseen(StepName.BUCKET, claim, seen)
    elif seen is None:
        return (
            Step(StepName.BUCKET, claim, Verdict.CREATE, calls=(_create_bucket(desired),)),
            blocking,
        )
    else:
        first = _existing_bucket(desired, seen, claim, adopt=adopt)
        if seen.public_access == PUBLIC_ACCESS_BLOCK:
            blocking = Step(StepName.PUBLIC_ACCESS, block_claim, Verdict.NOTHING)
        else:
            off = [name for name in PUBLIC_ACCESS_BLOCK if not (seen.public_access or {}).get(name)]
            detail = f"{', '.join(off)} is off"
            blocking = Step(
                StepName.PUBLIC_ACCESS, block_claim, Verdict.UPDATE, detail, calls=(block,)
            )
    stuck = first.verdict in {Verdict.CONFLICT, Verdict.UNSEEN}
    return first, _blocked(blocking, {StepName.BUCKET} if stuck else set())


def _existing_bucket(desired: Desired, seen: SeenBucket, claim: str, *, adopt: bool) -> Step:
    if seen.foreign:
        return Step(
            StepName.BUCKET,
            claim,
            Verdict.CONFLICT,
            f"The name {desired.bucket} is taken: bucket names are shared by all AWS accounts, and "
            "this one is not in yours, or your credentials may not see it.",
            "Choose another name with --bucket.",
        )
    if seen.region != desired.region:
        return Step(
            StepName.BUCKET,
            claim,
            Verdict.CONFLICT,
            f"The bucket {desired.bucket} is in {seen.region}, and a bucket can't be moved.",
            f"Use --region {seen.region}, or choose another name with --bucket.",
        )
    tags = dict(seen.tags or {})
    tagging = s3(
        "PutBucketTagging",
        desired.region,
        Bucket=desired.bucket,
        # The call replaces all tags, so those that are there go along.
        Tagging={"TagSet": _iam_tags(tags | desired.tags(ADOPTED))},
    )
    what = f"The bucket {desired.bucket}"
    return _judge(StepName.BUCKET, claim, _claim(desired, tags, what, tagging, adopt=adopt), [])


def _create_bucket(desired: Desired) -> AwsCall:
    configuration: dict[str, object] = {"Tags": _iam_tags(desired.tags())}
    # S3 refuses its oldest region as a constraint: there, absence means it.
    if desired.region != "us-east-1":
        configuration = {"LocationConstraint": desired.region} | configuration
    return s3(
        "CreateBucket",
        desired.region,
        Bucket=desired.bucket,
        CreateBucketConfiguration=configuration,
    )


def _policy_step(desired: Desired, seen: SeenPolicy | Unseen | None, *, adopt: bool) -> Step:
    where = f"the folder {desired.folder} of {desired.bucket}" if desired.folder else desired.bucket
    claim = f"The policy {desired.policy} opens {where} for list, read, write and delete."
    document = policies.bucket_access(desired)
    if isinstance(seen, Unseen):
        return _unseen(StepName.POLICY, claim, seen)
    if seen is None:
        create = iam(
            "CreatePolicy",
            PolicyName=desired.policy,
            PolicyDocument=policies.to_json(document),
            Tags=_iam_tags(desired.tags()),
        )
        return Step(StepName.POLICY, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagPolicy", PolicyArn=desired.policy_arn, Tags=_iam_tags(desired.tags(ADOPTED)))
    ownership = _claim(desired, seen.tags, f"The policy {desired.policy}", tagging, adopt=adopt)
    updates: list[tuple[str, AwsCall]] = []
    if not policies.same(seen.document, document):
        why = "its document is not the planned one"
        updates = [(why, call) for call in _new_version(desired, seen, document)]
    return _judge(StepName.POLICY, claim, ownership, updates)


def _new_version(desired: Desired, seen: SeenPolicy, document: policies.Document) -> list[AwsCall]:
    calls = []
    if len(seen.versions) >= MOST_VERSIONS:
        spare = [version for version in seen.versions if not version.default]
        oldest = min(spare, key=lambda version: version.created_at)
        calls.append(iam("DeletePolicyVersion", PolicyArn=desired.policy_arn, VersionId=oldest.id))
    calls.append(
        iam(
            "CreatePolicyVersion",
            PolicyArn=desired.policy_arn,
            PolicyDocument=policies.to_json(document),
            SetAsDefault=True,
        )
    )
    return calls


def _user_step(desired: Desired, seen: SeenUser | Unseen | None, *, adopt: bool) -> Step:
    claim = f"The user {desired.user} exists, without console access."
    if isinstance(seen, Unseen):
        return _unseen(StepName.USER, claim, seen)
    if seen is None:
        create = iam("CreateUser", UserName=desired.user, Tags=_iam_tags(desired.tags()))
        return Step(StepName.USER, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagUser", UserName=desired.user, Tags=_iam_tags(desired.tags(ADOPTED)))
    ownership = _claim(desired, seen.tags, f"The user {desired.user}", tagging, adopt=adopt)
    updates = []
    if seen.console:
        updates.append(
            ("it has a console password", iam("DeleteLoginProfile", UserName=desired.user))
        )
    return _judge(StepName.USER, claim, ownership, updates, _user_surplus(desired, seen))


def _user_surplus(desired: Desired, seen: SeenUser) -> tuple[str, ...]:
    ours = {desired.assume_policy, desired.rotation_policy, desired.revocation_policy}
    return (
        *(f"inline policy {name}" for name in sorted(seen.inline) if name not in ours),
        *(f"policy {arn}" for arn in sorted(seen.attached)),
        *(f"membership in group {name}" for name in sorted(seen.groups)),
    )


def _role_step(desired: Desired, seen: SeenRole | Unseen | None, *, adopt: bool) -> Step:
    claim = f"The role {desired.role} exists."
    if isinstance(seen, Unseen):
        return _unseen(StepName.ROLE, claim, seen)
    if seen is None:
        create = iam(
            "CreateRole",
            RoleName=desired.role,
            AssumeRolePolicyDocument=policies.to_json(policies.NOBODY),
            Description=f"Assumed by Valetkey to vend credentials for {desired.bucket}",
            Tags=_iam_tags(desired.tags()),
        )
        return Step(StepName.ROLE, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagRole", RoleName=desired.role, Tags=_iam_tags(desired.tags(ADOPTED)))
    ownership = _claim(desired, seen.tags, f"The role {desired.role}", tagging, adopt=adopt)
    return _judge(StepName.ROLE, claim, ownership, [], _role_surplus(desired, seen))


def _role_surplus(desired: Desired, seen: SeenRole) -> tuple[str, ...]:
    if seen.boundary == desired.policy_arn:
        return ()  # whatever else is attached, the boundary lets nothing more through
    return (
        *(f"inline policy {name}" for name in sorted(seen.inline) if name != DENY_POLICY),
        *(f"policy {arn}" for arn in sorted(seen.attached) if arn != desired.policy_arn),
    )


def _boundary_steps(desired: Desired, seen: SeenRole | None) -> list[Step]:
    if not desired.revocation:
        return []
    claim = f"The role can never do more than {desired.policy} allows (permissions boundary)."
    if seen is not None and seen.boundary == desired.policy_arn:
        return [Step(StepName.BOUNDARY, claim, Verdict.NOTHING)]
    put = iam(
        "PutRolePermissionsBoundary",
        RoleName=desired.role,
        PermissionsBoundary=desired.policy_arn,
    )
    verdict = Verdict.UPDATE if seen else Verdict.CREATE
    return [Step(StepName.BOUNDARY, claim, verdict, calls=(put,))]


def _attachment_step(desired: Desired, seen: SeenRole | None) -> Step:
    claim = f"The role {desired.role} carries the policy {desired.policy}."
    if seen is not None and desired.policy_arn in seen.attached:
        return Step(StepName.ATTACHMENT, claim, Verdict.NOTHING)
    attach = iam("AttachRolePolicy", RoleName=desired.role, PolicyArn=desired.policy_arn)
    detail = "it is not attached" if seen else ""
    return Step(
        StepName.ATTACHMENT,
        claim,
        Verdict.UPDATE if seen else Verdict.CREATE,
        detail,
        calls=(attach,),
    )


def _user_policy_steps(desired: Desired, seen: SeenUser | None) -> list[Step]:
    claims = {
        StepName.ASSUME_POLICY: (
            desired.assume_policy,
            f"The user may assume the role {desired.role}.",
        ),
        StepName.ROTATION_POLICY: (
            desired.rotation_policy,
            "The user may replace its own access keys, and nobody else's.",
        ),
        StepName.REVOCATION_POLICY: (
            desired.revocation_policy,
            "The user may call back sessions of the role.",
        ),
    }
    wanted = policies.user_policies(desired)
    steps = []
    for name, (policy, claim) in claims.items():
        there = seen.inline.get(policy) if seen else None
        if policy in wanted:
            steps.append(_put_user_policy(desired, name, claim, policy, wanted[policy], there))
        elif there is not None:
            steps.append(_drop_user_policy(desired, name, policy))
    return steps


def _put_user_policy(
    desired: Desired,
    name: StepName,
    claim: str,
    policy: str,
    document: policies.Document,
    there: policies.Document | None,
) -> Step:
    if there is not None and policies.same(there, document):
        return Step(name, claim, Verdict.NOTHING)
    put = iam(
        "PutUserPolicy",
        UserName=desired.user,
        PolicyName=policy,
        PolicyDocument=policies.to_json(document),
    )
    if there is None:
        return Step(name, claim, Verdict.CREATE, f"inline policy {policy}", calls=(put,))
    detail = f"the inline policy {policy} is not the planned one"
    return Step(name, claim, Verdict.UPDATE, detail, calls=(put,))


def _drop_user_policy(desired: Desired, name: StepName, policy: str) -> Step:
    drop = iam("DeleteUserPolicy", UserName=desired.user, PolicyName=policy)
    claim = f"The user has no inline policy {policy}."
    return Step(name, claim, Verdict.UPDATE, "this set-up does not want it", calls=(drop,))


def _key_step(desired: Desired, seen: SeenUser | None, facts: KeyFacts) -> Step:
    claim = f"The user has an access key, and {facts.custodian} holds its secret."
    decision = decide(seen.keys if seen else (), facts)
    if isinstance(decision, KeyConflict):
        return Step(StepName.ACCESS_KEY, claim, Verdict.CONFLICT, decision.reason, decision.fix)
    surplus = tuple(f"access key {key}" for key in decision.strangers)
    removals = tuple(
        iam("DeleteAccessKey", UserName=desired.user, AccessKeyId=key) for key in decision.orphans
    )
    detail = ""
    if decision.orphans:
        detail = f"{', '.join(decision.orphans)} is left over from a run that broke off"
    if isinstance(decision, KeepKey):
        verdict = Verdict.UPDATE if removals else Verdict.NOTHING
        return Step(StepName.ACCESS_KEY, claim, verdict, detail, calls=removals, surplus=surplus)
    create = iam("CreateAccessKey", UserName=desired.user)
    return Step(
        StepName.ACCESS_KEY,
        claim,
        Verdict.CREATE,
        detail,
        calls=(*removals, create),
        surplus=surplus,
    )


def _trust_step(desired: Desired, seen: SeenRole | None) -> Step:
    claim = f"The role {desired.role} trusts the user {desired.user}, and nobody else."
    document = policies.trust(desired)
    if seen is not None and policies.same(seen.trust, document):
        return Step(StepName.TRUST, claim, Verdict.NOTHING)
    put = iam(
        "UpdateAssumeRolePolicy",
        RoleName=desired.role,
        PolicyDocument=policies.to_json(document),
    )
    if seen is None or policies.same(seen.trust, policies.NOBODY):
        return Step(StepName.TRUST, claim, Verdict.CREATE, calls=(put,))
    detail = "its trust policy is not the planned one"
    return Step(StepName.TRUST, claim, Verdict.UPDATE, detail, calls=(put,))
