"""``aws-sts``: an IAM user's access key assumes a role."""

from __future__ import annotations

import re
from typing import Final

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret

#: An IAM user's key; or one as other stores make them (Ceph), which begins with none of the four
#: letters by which AWS marks other things (AIDA: a user, AROA: a role).
_KEY_ID: Final = re.compile(r"AKIA[A-Z0-9]{12,124}|(?!A[A-Z]{2}A)[A-Z0-9]{20}")
_SECRET_LENGTH: Final = 40
_SECRET: Final = re.compile(r"[A-Za-z0-9/+=]+")


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


def _check(new: NewIntegration) -> CheckedParts:
    key = parse_access_key(new.key, new.secret.reveal())
    return CheckedParts(key.secret, key.id, RoleArn.parse(new.role_arn))


RULES: Final = TypeRules(
    "aws-sts", "STS", _check, opens_by_role=True, has_iam_key=True, is_tried_at_once=True, place=1
)
