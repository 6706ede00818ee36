"""Which organisation a request is about."""

from __future__ import annotations

from valetkey.domain.errors import Denied, InvalidInput
from valetkey.services.audit import Caller


def which_org(caller: Caller, named: str | None) -> str:
    """Return the organisation that a request names, or else the caller's only one.

    Raises InvalidInput where there are several, Denied where there is none.
    """
    if named is not None:
        return named
    orgs = sorted(caller.principal.org_roles)
    if not orgs:
        raise Denied("You belong to no organisation.", hint="Ask an owner to add you.")
    if len(orgs) > 1:
        raise InvalidInput(
            "You belong to several organisations.", hint="Say which: orgId.", field="orgId"
        )
    return orgs[0]
