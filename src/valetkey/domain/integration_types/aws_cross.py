"""``aws-cross``: a role of another account trusts this server itself."""

from __future__ import annotations

from typing import Final

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret


def _check(new: NewIntegration) -> CheckedParts:
    if new.key or new.secret:
        raise InvalidInput(
            "An aws-cross integration has no key: the role trusts this server itself.",
            hint="Leave key and secret out; or make an aws-sts integration.",
            field="key",
        )
    return CheckedParts(Secret(""), role_arn=RoleArn.parse_optional(new.role_arn))


RULES: Final = TypeRules(
    "aws-cross", "Cross account", _check, opens_by_role=True, trusts_server=True, place=2
)
