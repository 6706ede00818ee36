"""May Valetkey write the role's inline policy? Found out before the need arises."""

from __future__ import annotations

import json
from typing import Final

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.integration import Integration
from valetkey.domain.ports import Clock, RolePolicies
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.verification import Check, Outcome

_CLAIM: Final = "Valetkey may call back the role's sessions (write its inline policy)."
#: A policy of its own that denies nothing: no session was issued before the year 2000.
_NAME: Final = "valetkey-probe"
_DENIES_NOTHING: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2000-01-01T00:00:00Z"}},
        },
    },
    separators=(",", ":"),
)


class RevocationRight:
    """The check, for whoever verifies an integration."""

    def __init__(self, policies: RolePolicies, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock

    async def __call__(self, integration: Integration, key: AccessKey) -> Check:
        return await check_revocation(self._policies, self._clock, key, integration.role_arn)


async def check_revocation(
    policies: RolePolicies, clock: Clock, key: AccessKey, role: RoleArn
) -> Check:
    """Put a policy that denies nothing on the role and take it away again.

    A missing right is ``skipped``, not ``failed``: vending works without it; the fix says what to
    do, and that a revocation will print the policy to apply by hand until then.
    """
    started = clock.monotonic()
    outcome, cause, fix, words = Outcome.PASSED, "", "", ""
    try:
        await policies.put(key, role, _NAME, _DENIES_NOTHING)
        await policies.delete(key, role, _NAME)
    except (AwsRefused, AwsUnavailable) as error:
        outcome = Outcome.SKIPPED if isinstance(error, AwsRefused) else Outcome.UNKNOWN
        cause, words = error.message, str(error.details.get("aws_code", ""))
        fix = (
            "To be able to revoke sessions, run: valetkey setup aws apply --with-revocation. "
            "Until then 'valetkey leases revoke' stops new sessions and prints the policy that an "
            f"administrator has to put on the role {role.name}."
        )
    seconds = clock.monotonic() - started
    return Check("revocation", _CLAIM, outcome, cause, fix, words, seconds, advisory=True)
