"""The steps of the identities: user, role, what ties them together, and the access key."""

from __future__ import annotations

from typing import Final

from valetkey.domain.setup import policies
from valetkey.domain.setup.access_key import KeepKey, KeyConflict, KeyFacts, decide
from valetkey.domain.setup.calls import iam
from valetkey.domain.setup.observed import ObservedRole, ObservedUser, Unreadable
from valetkey.domain.setup.spec import ADOPTED, Desired
from valetkey.domain.setup.steps import (
    Step,
    StepName,
    Verdict,
    judge,
    ownership,
    tag_list,
    unreadable,
)

#: Where a role's revoked sessions are denied; what is put there is not drift.
DENY_POLICY: Final = "valetkey-revocations"


def user_step(desired: Desired, seen: ObservedUser | Unreadable | None, *, adopt: bool) -> Step:
    """The user, without a console password."""
    claim = f"The user {desired.user} exists, without console access."
    if isinstance(seen, Unreadable):
        return unreadable(StepName.USER, claim, seen)
    if seen is None:
        create = iam("CreateUser", UserName=desired.user, Tags=tag_list(desired.tags()))
        return Step(StepName.USER, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagUser", UserName=desired.user, Tags=tag_list(desired.tags(ADOPTED)))
    owned = ownership(desired, seen.tags, f"The user {desired.user}", tagging, adopt=adopt)
    updates = []
    if seen.console:
        updates.append(
            ("it has a console password", iam("DeleteLoginProfile", UserName=desired.user))
        )
    return judge(StepName.USER, claim, owned, updates, _user_surplus(desired, seen))


def _user_surplus(desired: Desired, seen: ObservedUser) -> tuple[str, ...]:
    ours = {desired.assume_policy, desired.rotation_policy, desired.revocation_policy}
    return (
        *(f"inline policy {name}" for name in sorted(seen.inline) if name not in ours),
        *(f"policy {arn}" for arn in sorted(seen.attached)),
        *(f"membership in group {name}" for name in sorted(seen.groups)),
    )


def role_step(desired: Desired, seen: ObservedRole | Unreadable | None, *, adopt: bool) -> Step:
    """The role; whom it trusts is the last step."""
    claim = f"The role {desired.role} exists."
    if isinstance(seen, Unreadable):
        return unreadable(StepName.ROLE, claim, seen)
    if seen is None:
        create = iam(
            "CreateRole",
            RoleName=desired.role,
            AssumeRolePolicyDocument=policies.to_json(policies.NOBODY),
            Description=f"Assumed by Valetkey to vend credentials for {desired.bucket}",
            Tags=tag_list(desired.tags()),
        )
        return Step(StepName.ROLE, claim, Verdict.CREATE, calls=(create,))
    tagging = iam("TagRole", RoleName=desired.role, Tags=tag_list(desired.tags(ADOPTED)))
    owned = ownership(desired, seen.tags, f"The role {desired.role}", tagging, adopt=adopt)
    return judge(StepName.ROLE, claim, owned, [], _role_surplus(desired, seen))


def _role_surplus(desired: Desired, seen: ObservedRole) -> tuple[str, ...]:
    if seen.boundary == desired.policy_arn:
        return ()  # whatever else is attached, the boundary lets nothing more through
    return (
        *(f"inline policy {name}" for name in sorted(seen.inline) if name != DENY_POLICY),
        *(f"policy {arn}" for arn in sorted(seen.attached) if arn != desired.policy_arn),
    )


def boundary_steps(desired: Desired, seen: ObservedRole | None) -> list[Step]:
    """The role's permissions boundary, which only a set-up with revocation needs."""
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


def attachment_step(desired: Desired, seen: ObservedRole | None) -> Step:
    """The policy on the role."""
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


def user_policy_steps(desired: Desired, seen: ObservedUser | None) -> list[Step]:
    """The user's inline policies: those wanted, and those of ours no longer wanted."""
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
    document: policies.PolicyDocument,
    there: policies.PolicyDocument | None,
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


def key_step(desired: Desired, seen: ObservedUser | None, facts: KeyFacts) -> Step:
    """The access key, and the removal of what a broken run left."""
    claim = f"The user has an access key, and {facts.custodian} holds its secret."
    decision = decide(seen.keys if seen else (), facts)
    if isinstance(decision, KeyConflict):
        return Step(StepName.ACCESS_KEY, claim, Verdict.CONFLICT, decision.reason, decision.fix)
    surplus = tuple(f"access key {key}" for key in decision.unknown_keys)
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


def trust_step(desired: Desired, seen: ObservedRole | None) -> Step:
    """The role's trust policy."""
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
