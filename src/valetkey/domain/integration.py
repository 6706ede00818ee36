"""An AWS integration: who Valetkey is at AWS, and the role that it may assume there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret

_ROLE_ARN: Final = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc)"
    r":iam::(?P<account>\d{12}):role/(?P<path>(?:[\x21-\x7e]+/)*)(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)
_MAX_ARN: Final = 2048
#: An IAM user's key; or one as other stores make them (Ceph), which begins with none of the four
#: letters by which AWS marks other things (AIDA: a user, AROA: a role).
_KEY_ID: Final = re.compile(r"AKIA[A-Z0-9]{12,124}|(?!A[A-Z]{2}A)[A-Z0-9]{20}")
_SECRET_LENGTH: Final = 40
_SECRET: Final = re.compile(r"[A-Za-z0-9/+=]+")
#: A key of an S3-compatible store: what can stand in a header of a signed request.
_STATIC: Final = re.compile(r"[\x21-\x7e]+")
_MAX_STATIC_KEY: Final = 128
_MAX_STATIC: Final = 1024
_MAX_VALUE: Final = 64 * 1024


class IntegrationType(StrEnum):
    """How Valetkey is known at AWS. The values are those of Dataloop's API."""

    AWS_STS = "aws-sts"
    AWS_CROSS = "aws-cross"
    S3 = "s3"
    KEY_VALUE = "key_value"


class IntegrationState(StrEnum):
    """What Valetkey knows of an integration's health."""

    CREATED = "created"
    VERIFIED = "verified"
    FAILING = "failing"
    DISABLED = "disabled"


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


def parse_access_key(key_id: str, secret: str) -> AccessKey:
    """Read an IAM user's access key. White space around either part is an error, and named:
    it is the most common cause of AWS's ``SignatureDoesNotMatch``.

    Raises :class:`InvalidInput`; the message never holds the secret.
    """
    if key_id != key_id.strip() or secret != secret.strip():
        part = "key" if key_id != key_id.strip() else "secret"
        raise InvalidInput(
            f"The {part} has white space or a line end around it.",
            hint="Copy it again without the white space.",
            field=part,
        )
    if key_id.startswith("ASIA"):
        raise InvalidInput(
            "This is a temporary key (ASIA...), which stops working within hours.",
            hint="Use the access key (AKIA...) of the IAM user.",
            field="key",
        )
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidInput(
            "This is not an access key id of an IAM user.",
            hint="It starts with AKIA (at AWS) and has 20 capital letters and digits.",
            field="key",
        )
    if len(secret) != _SECRET_LENGTH or not _SECRET.fullmatch(secret):
        raise InvalidInput(
            "This is not a secret access key.",
            hint=f"It has exactly {_SECRET_LENGTH} letters, digits, '/' and '+'. AWS shows it "
            "once, when the key is made: if it is lost, make a new key.",
            field="secret",
        )
    return AccessKey(key_id, Secret(secret))


def parse_static_key(key_id: str, secret: str) -> AccessKey:
    """Read the key of an S3-compatible store, whose form is the store's own.

    Raises :class:`InvalidInput`; the message never holds the secret.
    """
    for part, text, most in (("key", key_id, _MAX_STATIC_KEY), ("secret", secret, _MAX_STATIC)):
        if not _STATIC.fullmatch(text) or len(text) > most:
            raise InvalidInput(
                f"The {part} is empty, too long, or has white space in it.",
                hint="Copy it again from the store's own console.",
                field=part,
            )
    return AccessKey(key_id, Secret(secret))


def parse_entry(name: str, value: str) -> AccessKey:
    """Read a named secret (``key_value``). Raises :class:`InvalidInput`."""
    if not _STATIC.fullmatch(name) or len(name) > _MAX_STATIC_KEY:
        raise InvalidInput(
            f"The key {name[:40]!r} can't name a secret.",
            hint=f"Use 1 to {_MAX_STATIC_KEY} printable letters without spaces.",
            field="key",
        )
    if not value or len(value) > _MAX_VALUE:
        raise InvalidInput(
            "The value is empty or too long.",
            hint=f"Use 1 to {_MAX_VALUE} letters.",
            field="value",
        )
    return AccessKey(name, Secret(value))


@dataclass(frozen=True, slots=True)
class Integration:
    """An organisation's integration. The secret is not here: it stays sealed in the store.

    ``access_key_id`` is the key's id, the name of a ``key_value``, or empty. ``external_id`` is
    what an ``aws-cross`` role's trust policy must ask for; it is no secret. ``endpoint`` is an
    S3-compatible store's. ``provider`` and ``ref`` are a ``key_value``'s.
    """

    id: str
    org_id: str
    name: str
    type: IntegrationType
    access_key_id: str
    role_arn: RoleArn
    state: IntegrationState
    creator: str
    created_at: datetime
    updated_at: datetime
    verified_at: datetime | None = None
    state_reason: str = ""
    external_id: str = ""
    endpoint: str = ""
    provider: str = ""
    ref: str = ""
    version: int = 1
