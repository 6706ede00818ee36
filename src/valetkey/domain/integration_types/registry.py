"""The types of integrations. A new one is a module of its own and a line in each of these."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types import aws_cross, aws_sts, key_value, s3
from valetkey.domain.integration_types.base import NewIntegration, Parts, TypeRules


class IntegrationType(StrEnum):
    """How Valetkey is known at a store. The values are those of Dataloop's API."""

    AWS_STS = "aws-sts"
    AWS_CROSS = "aws-cross"
    S3 = "s3"
    KEY_VALUE = "key_value"

    @property
    def rules(self) -> TypeRules:
        """What the type says of itself."""
        return _RULES[self]


_RULES: Final[Mapping[IntegrationType, TypeRules]] = {
    IntegrationType.AWS_STS: aws_sts.RULES,
    IntegrationType.AWS_CROSS: aws_cross.RULES,
    IntegrationType.S3: s3.RULES,
    IntegrationType.KEY_VALUE: key_value.RULES,
}


def parse_type(text: str) -> IntegrationType:
    """Read a type. Raises InvalidInput for those that Dataloop has and Valetkey does not."""
    known = {kind.value: kind for kind in IntegrationType}
    if text not in known:
        raise InvalidInput(
            f"{text[:40]!r} is not a type of integration that can be made here.",
            hint=f"Use {', '.join(known)}.",
            field="type",
        )
    return known[text]


def checked(new: NewIntegration) -> Parts:
    """Check what was given. Raises InvalidInput; the message never holds the secret."""
    return parse_type(new.type).rules.check(new)
