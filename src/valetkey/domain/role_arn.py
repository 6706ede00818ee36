"""The ARN of an IAM role, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from valetkey.domain.errors import InvalidInput

_ROLE_ARN: Final = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc)"
    r":iam::(?P<account>\d{12}):role/(?P<path>(?:[\x21-\x7e]+/)*)(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)
_MAX_ARN: Final = 2048


@dataclass(frozen=True, slots=True)
class RoleArn:
    """An IAM role's ARN, taken apart. The partition decides which AWS (commercial, China, ...).

    Without a name it stands for no role, and is false: some integrations have none, or not yet.
    """

    partition: str
    account: str
    path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a role ARN; white space around it is forgiven.

        Raises :class:`InvalidInput` for any other ARN or text, saying what it looks like.
        """
        arn = text.strip()
        found = _ROLE_ARN.fullmatch(arn)
        if not found or len(arn) > _MAX_ARN:
            # Only what begins as an ARN is repeated: a secret may be in the wrong field.
            given = repr(arn[:120]) if arn.startswith("arn:") else "What was given"
            raise InvalidInput(
                f"{given} is not the ARN of an IAM role{_looks_like(arn)}.",
                hint="It has the form arn:aws:iam::123456789012:role/NAME: copy it from the "
                "role's page in IAM.",
                field="roleArn",
            )
        return cls(**found.groupdict())

    @classmethod
    def parse_optional(cls, text: str) -> Self:
        """Read a role ARN, or nothing. Raises :class:`InvalidInput`."""
        return cls.parse(text) if text.strip() else cls("aws", "", "", "")

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        if not self:
            return ""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.path}{self.name}"


def _looks_like(arn: str) -> str:
    kinds = {
        ":user/": "a user's",
        ":policy/": "a policy's",
        ":instance-profile/": "an instance profile's",
        ":assumed-role/": "a session's (assumed-role)",
        ":s3:::": "a bucket's",
        ":oidc-provider/": "an identity provider's",
    }
    return next((f"; it is {kind}" for part, kind in kinds.items() if part in arn), "")
