"""An administrator's view -> which layer refuses, by which statement, and what fixes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from valetkey.counting import counted
from valetkey.domain.credentials import DEFAULT_TTL
from valetkey.domain.diagnosis import fixes
from valetkey.domain.diagnosis.bucket_view import explain_bucket
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
from valetkey.domain.diagnosis.iam import Request, rule
from valetkey.domain.diagnosis.iam.globs import Context
from valetkey.domain.diagnosis.layers import Layer
from valetkey.domain.diagnosis.view import Subject, View, ViewedRole, ViewedUser
from valetkey.domain.setup.calls import iam
from valetkey.domain.setup.observed import Unreadable
from valetkey.domain.setup.policies import to_json

_ASSUME: Final = "sts:AssumeRole"


def explain(subject: Subject, view: View) -> tuple[Finding, ...]:
    """Go through the layers in the reference page's order. Nothing is hidden behind an earlier
    failure: what is wrong is all said at once, and can be fixed at once."""
    names = names_of(subject, view)
    return (
        *_key(subject, view, names),
        *_identity(subject, view, names),
        *_trust(subject, view, names),
        *explain_bucket(subject, view, names),
    )


def names_of(subject: Subject, view: View) -> Names:
    """Return the names that the fixes are written with."""
    user = view.user.arn if isinstance(view.user, ViewedUser) else ""
    return Names(subject.role, user, subject.bucket, subject.prefix, subject.external_id)


def _key(subject: Subject, view: View, names: Names) -> Iterator[Finding]:
    name, claim = "key", f"The access key {subject.access_key_id} is there, and active."
    if isinstance(view.key, Unreadable):
        yield unreadable(name, claim, view.key)
    elif view.key is None:
        remedy = Remedy("Enter the key of a user that is there, or run: valetkey setup aws apply")
        cause = "This account has no such access key: it was deleted, or belongs elsewhere."
        yield bad(name, claim, cause, remedy, Layer.CREDENTIALS)
    elif not view.key.active:
        call = iam(
            "UpdateAccessKey",
            UserName=view.key.user,
            AccessKeyId=subject.access_key_id,
            Status="Active",
        )
        remedy = Remedy(fixes.enable_key(names, subject.access_key_id), (call,))
        yield bad(name, claim, "Somebody switched the key off.", remedy, Layer.CREDENTIALS)
    else:
        yield good(name, claim)


def _identity(subject: Subject, view: View, names: Names) -> Iterator[Finding]:
    claim = f"The user's own policies allow it to assume {subject.role.name}."
    bound = "The user's permissions boundary leaves that in."
    user = view.user
    if user is None or isinstance(user, Unreadable):
        yield (
            skipped("identity", claim, "There is no such user.")
            if user is None
            else unreadable("identity", claim, user)
        )
        return
    request = Request(_ASSUME, str(subject.role), (user.arn,), user_context(user, view, subject))
    put = iam(
        "PutUserPolicy",
        UserName=names.user,
        PolicyName=fixes.ASSUME_POLICY,
        PolicyDocument=to_json(fixes.assume_document(names)),
    )
    yield judged(
        "identity",
        claim,
        Layer.IDENTITY,
        rule(user.policies, request),
        policies=user.policies,
        request=request,
        remedy=Remedy(fixes.allow_assume(names), (put,)),
    )
    if user.boundary is not None:
        yield judged(
            "user-boundary",
            bound,
            Layer.BOUNDARY,
            rule([user.boundary], request),
            policies=[user.boundary],
            request=request,
            remedy=Remedy(f"Allow {_ASSUME} in the {user.boundary.name}."),
        )


def _trust(subject: Subject, view: View, names: Names) -> Iterator[Finding]:
    claim = f"The role {subject.role.name} trusts the user."
    role = view.role
    if isinstance(role, Unreadable):
        yield unreadable("trust", claim, role)
        return
    if role is None or role.arn != str(subject.role):
        there = f" (there is {role.arn})" if role else ""
        cause = f"There is no role {subject.role}{there}: compare it letter by letter."
        remedy = Remedy("Correct the integration's role, or make it: valetkey setup aws apply")
        yield bad("trust", claim, cause, remedy, Layer.TRUST)
        return
    user = view.user
    if user is None or isinstance(user, Unreadable):
        yield skipped("trust", claim, "Without the user, there is nobody to trust.")
        return
    request = Request(_ASSUME, role.arn, (user.arn,), user_context(user, view, subject))
    finding = judged(
        "trust",
        claim,
        Layer.TRUST,
        rule([role.trust], request),
        policies=[role.trust],
        request=request,
        remedy=_trust_remedy(role, names),
    )
    yield finding
    if subject.external_id:
        yield _external_id(subject, role, request, names)
    yield _length(role)


def _trust_remedy(role: ViewedRole, names: Names) -> Remedy:
    """Put the needed statement beside those that are there: others may rely on them."""
    there = role.trust_document.get("Statement", [])
    statements = list(there) if isinstance(there, list) else [there]
    document = {**role.trust_document, "Statement": [*statements, fixes.trust_statement(names)]}
    call = iam("UpdateAssumeRolePolicy", RoleName=names.role.name, PolicyDocument=to_json(document))
    return Remedy(fixes.trust_user(names), (call,))


def _external_id(subject: Subject, role: ViewedRole, request: Request, names: Names) -> Finding:
    claim = "The trust policy demands the external id."
    context = dict(request.context) | {"sts:externalid": ()}
    bare = Request(request.action, request.resource, request.principals, context)
    ruling = rule([role.trust], bare)
    if ruling.statement is None or ruling.decision.value != "allowed":
        return good("external-id", claim)
    cause = f"The {ruling.statement.place} lets the role be assumed without {subject.external_id}."
    return bad("external-id", claim, cause, Remedy(fixes.trust_user(names)), Layer.TRUST)


def _length(role: ViewedRole) -> Finding:
    seconds = int(DEFAULT_TTL.total_seconds())
    claim = f"The role gives sessions of {counted(seconds, 'second')}."
    if role.max_session >= seconds:
        return good("session-length", claim)
    remedy = Remedy("Raise the role's maximum session duration.")
    cause = f"Its maximum is {counted(role.max_session, 'second')}."
    return bad("session-length", claim, cause, remedy, Layer.TRUST)


def user_context(user: ViewedUser, view: View, subject: Subject) -> Context:
    """Return what is known of a request that a user's access key makes. From which address it
    comes is not known here."""
    moment = view.at
    return {
        "aws:principalarn": (user.arn,),
        "aws:principalaccount": (user.arn.split(":")[4],),
        "aws:principaltype": ("User",),
        "aws:username": (user.arn.rpartition("/")[2],),
        "aws:currenttime": (moment.isoformat(),),
        "aws:epochtime": (str(int(moment.timestamp())),),
        "aws:securetransport": ("true",),
        # A long-term key carries no MFA.
        "aws:multifactorauthpresent": (),
        "aws:multifactorauthage": (),
        "aws:tokenissuetime": (),
        "sts:externalid": (subject.external_id,) if subject.external_id else (),
        "sts:sourceidentity": (),
        "aws:tagkeys": (),
    }
