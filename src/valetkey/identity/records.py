"""Sign-ins, sign-outs and what concerns them, on record for every organisation of the user."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from valetkey.domain.access import Action, Deny, Principal, decide, require
from valetkey.domain.audit import AuditEvent
from valetkey.domain.people import User
from valetkey.domain.ports import UnitOfWork
from valetkey.services.audit import AuditLog, Caller

SIGN_IN: Final = "user.sign_in"
SIGN_OUT: Final = "user.sign_out"
#: As whom somebody is recorded who has proven nothing.
_NOBODY: Final = Principal("", "")


async def org_ids(work: UnitOfWork, user_id: str) -> list[str]:
    """Return the organisations that a user belongs to."""
    return sorted(member.org_id for member in await work.organizations.memberships(user_id))


def user_events(
    audit: AuditLog, caller: Caller, action: str, user: User, orgs: Iterable[str], **facts: Any
) -> list[AuditEvent]:
    """Describe what happened to a user: an event for each organisation, or one of none."""
    subject = f"user:{user.id}"
    return [
        audit.event(caller, action, subject, org_id=org_id, **facts) for org_id in [*orgs] or [""]
    ]


def caller_of(user: User, *, request_id: str, source: str) -> Caller:
    """Return a user who has just proven who they are."""
    return Caller(Principal(user.id, user.email), request_id, source)


async def record_failed_sign_in(
    audit: AuditLog,
    user: User | None,
    orgs: Iterable[str],
    *,
    way: str,
    reason: str,
    request_id: str,
    source: str,
) -> None:
    """Record a sign-in that failed. The caller stays nobody: an address proves nothing."""
    nobody = Caller(_NOBODY, request_id, source)
    subject = f"user:{user.id}" if user else "user:unknown"
    facts = {"way": way, "email": user.email} if user else {"way": way}
    for org_id in [*orgs] or [""]:
        await audit.write(
            audit.event(
                nobody, SIGN_IN, subject, org_id=org_id, outcome="denied", reason=reason, **facts
            )
        )


async def require_own(audit: AuditLog, caller: Caller, action: Action, verb: str) -> None:
    """Refuse what somebody may do with their own sign-in only, and record the refusal under the
    verb's name. Raises Denied."""
    decision = decide(caller.principal, action)
    if isinstance(decision, Deny):
        await audit.write(
            audit.event(
                caller,
                verb,
                f"user:{caller.principal.user_id}",
                org_id=next(iter(sorted(caller.principal.org_roles)), ""),
                outcome="denied",
                reason=decision.reason,
            )
        )
    require(decision)
