"""What an administrator sees of the bucket: each action through each layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from valetkey.domain.diagnosis import fixes
from valetkey.domain.diagnosis.finding import (
    Finding,
    Remedy,
    bad,
    good,
    judged,
    skipped,
    unreadable,
)
from valetkey.domain.diagnosis.fixes import Names
from valetkey.domain.diagnosis.iam import LayerDecision, Policy, Request, Ruling, rule
from valetkey.domain.diagnosis.iam.globs import Context
from valetkey.domain.diagnosis.layers import Layer
from valetkey.domain.diagnosis.view import Subject, View, ViewedBucket, ViewedRole
from valetkey.domain.session_policy import bucket_arn
from valetkey.domain.setup.calls import iam, s3
from valetkey.domain.setup.observed import Unreadable
from valetkey.domain.setup.policies import to_json
from valetkey.domain.setup.storage_steps import PUBLIC_ACCESS_BLOCK
from valetkey.domain.verification import Check, Outcome

#: What the location needs, and the name of its check.
_ACTIONS: Final = {
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
    "read": "s3:GetObject",
    "delete": "s3:DeleteObject",
}
_KMS: Final = ("kms:GenerateDataKey", "kms:Decrypt")


def explain_bucket(subject: Subject, view: View, names: Names) -> Iterator[Finding]:
    """Go through the bucket and what the role may do in it."""
    if not subject.bucket:
        return
    claim = f"The bucket {subject.bucket} is there."
    bucket, role = view.bucket, view.role
    if isinstance(bucket, Unreadable):
        yield _locked(claim, names)
        return
    if bucket is None:
        remedy = Remedy("Check the bucket's name, or make it: valetkey setup aws apply")
        yield bad("bucket", claim, "There is no such bucket.", remedy, Layer.BUCKET_POLICY)
        return
    yield good("bucket", claim)
    yield _region(subject, bucket)
    yield _public(bucket, names)
    if role is None or isinstance(role, Unreadable):
        yield skipped("role", "The role may use the bucket.", "The role can't be seen.")
        return
    for name, action in _ACTIONS.items():
        yield _action(name, action, _BucketContext(subject, view, names, role, bucket))
    if bucket.kms_key:
        yield from _kms(subject, view, names, role, bucket)


def _locked(claim: str, names: Names) -> Finding:
    """A bucket that refuses even the administrator."""
    cause = (
        "Not even these credentials may look at the bucket: its own policy shuts everybody out, "
        "or it is another account's, or these are not an administrator's."
    )
    run = fixes.command("s3api", "delete-bucket-policy", "--bucket", names.bucket)
    fix = f"If its policy does, only the account's root user can still take it away:\n{run}"
    layer = Layer.BUCKET_POLICY
    return Finding(Check("bucket", claim, Outcome.UNKNOWN, cause=cause, fix=fix, layer=layer))


@dataclass(frozen=True, slots=True)
class _BucketContext:
    subject: Subject
    view: View
    names: Names
    role: ViewedRole
    bucket: ViewedBucket


def _region(subject: Subject, bucket: ViewedBucket) -> Finding:
    claim = "The bucket is in the region that the location names."
    if not subject.region or subject.region == bucket.region:
        return good("region", claim)
    cause = f"It is in {bucket.region}, and the location says {subject.region}."
    remedy = Remedy(f"Make the location again with the region {bucket.region}.")
    return bad("region", claim, cause, remedy, Layer.REGION)


def _public(bucket: ViewedBucket, names: Names) -> Finding:
    claim = "All public access to the bucket is blocked."
    if bucket.blocks_public_access:
        return good("public-access", claim)
    call = s3(
        "PutPublicAccessBlock",
        bucket.region,
        Bucket=names.bucket,
        PublicAccessBlockConfiguration=PUBLIC_ACCESS_BLOCK,
    )
    remedy = Remedy(fixes.block_public_access(names), (call,))
    cause = "It is not blocked, or only in part."
    return bad("public-access", claim, cause, remedy, Layer.BUCKET_POLICY)


def _action(name: str, action: str, scene: _BucketContext) -> Finding:
    """Find the first layer that refuses an action of the role's sessions."""
    subject, role, bucket = scene.subject, scene.role, scene.bucket
    arn = bucket_arn(subject.role.partition, subject.bucket)
    resource = arn if name == "list" else f"{arn}/{subject.prefix}any-object"
    context = role_context(role, scene.view, subject, listing=name == "list")
    request = Request(action, resource, _session_names(role), context)
    claim = f"The role's sessions may {name} in s3://{subject.bucket}/{subject.prefix}."
    theirs = rule([bucket.policy], request) if bucket.policy else Ruling(LayerDecision.SILENT)
    own = rule(role.policies, request)
    if role.boundary is not None and own.decision is LayerDecision.ALLOWED:
        bound = rule([role.boundary], request)
        if bound.decision is not LayerDecision.ALLOWED:
            remedy = Remedy(f"Allow {action} in the {role.boundary.name}.")
            return _judged(name, claim, Layer.BOUNDARY, bound, role.boundary, request, remedy)
    if theirs.decision in {LayerDecision.DENIED, LayerDecision.UNKNOWN} and bucket.policy:
        remedy = Remedy("Look at that condition.")
        return _judged(name, claim, Layer.BUCKET_POLICY, theirs, bucket.policy, request, remedy)
    if own.decision is LayerDecision.SILENT and theirs.decision is LayerDecision.ALLOWED:
        return good(name, claim)  # in one account, the bucket's own word suffices
    return judged(
        name,
        claim,
        Layer.IDENTITY,
        own,
        policies=role.policies,
        request=request,
        remedy=_access_remedy(scene.names),
    )


def _judged(
    name: str,
    claim: str,
    layer: Layer,
    ruling: Ruling,
    policy: Policy,
    request: Request,
    remedy: Remedy,
) -> Finding:
    return judged(name, claim, layer, ruling, policies=[policy], request=request, remedy=remedy)


def _access_remedy(names: Names) -> Remedy:
    call = iam(
        "PutRolePolicy",
        RoleName=names.role.name,
        PolicyName=fixes.ACCESS_POLICY,
        PolicyDocument=to_json(fixes.access_document(names)),
    )
    return Remedy(fixes.allow_access(names), (call,))


def _kms(
    subject: Subject, view: View, names: Names, role: ViewedRole, bucket: ViewedBucket
) -> Iterator[Finding]:
    """The key's own policy has to allow it, or to leave it to the account's policies."""
    remedy = Remedy(fixes.allow_key(names, bucket.kms_key))
    for action in _KMS:
        name, claim = action.replace(":", "-").lower(), f"The role may {action} with the key."
        region = bucket.kms_key.split(":")[3]
        context = dict(role_context(role, view, subject, listing=False)) | {
            "kms:viaservice": (f"s3.{region}.amazonaws.com",),
            "kms:encryptioncontext:aws:s3:arn": (
                f"{bucket_arn(subject.role.partition, subject.bucket)}/{subject.prefix}any-object",
            ),
        }
        request = Request(action, bucket.kms_key, _session_names(role), context)
        if isinstance(bucket.key_policy, Policy):
            theirs = rule([bucket.key_policy], request)
            if theirs.decision is not LayerDecision.ALLOWED:
                yield _judged(
                    name, claim, Layer.KEY_POLICY, theirs, bucket.key_policy, request, remedy
                )
                continue
        elif isinstance(bucket.key_policy, Unreadable):
            yield unreadable(name, claim, bucket.key_policy)
            continue
        yield judged(
            name,
            claim,
            Layer.IDENTITY,
            rule(role.policies, request),
            policies=role.policies,
            request=request,
            remedy=remedy,
        )


def _session_names(role: ViewedRole) -> tuple[str, ...]:
    """A session is known by the role's ARN in the policies of resources."""
    return (role.arn,)


def role_context(role: ViewedRole, view: View, subject: Subject, *, listing: bool) -> Context:
    """Return what is known of a request that a session of the role makes from now on."""
    moment = view.at
    context = {
        "aws:principalarn": (role.arn,),
        "aws:principalaccount": (role.arn.split(":")[4],),
        "aws:principaltype": ("AssumedRole",),
        "aws:username": (),
        "aws:currenttime": (moment.isoformat(),),
        "aws:epochtime": (str(int(moment.timestamp())),),
        "aws:tokenissuetime": (moment.isoformat(),),
        "aws:securetransport": ("true",),
        "aws:multifactorauthpresent": (),
        "s3:resourceaccount": (role.arn.split(":")[4],),
        "aws:resourceaccount": (role.arn.split(":")[4],),
    }
    if listing:
        context |= {"s3:prefix": (subject.prefix,), "s3:delimiter": ()}
    return context
