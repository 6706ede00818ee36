"""The types of integrations: whatever module beside this one has rules is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules


def _found() -> Iterator[TypeRules]:
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if f"{package}.{module.name}" != __name__:
            rules = getattr(importlib.import_module(f"{package}.{module.name}"), "RULES", None)
            if isinstance(rules, TypeRules):
                yield rules


_RULES: Final[Mapping[str, TypeRules]] = {
    rules.name: rules for rules in sorted(_found(), key=lambda each: each.place)
}


class IntegrationType(StrEnum):
    """How Valetkey is known at a store; nobody names one, everybody asks its rules."""

    _ignore_ = ["members", "name_"]  # noqa: RUF012  # as the Enum HOWTO has it
    members = vars()
    for name_ in _RULES:
        members[name_.upper().replace("-", "_")] = name_

    @property
    def rules(self) -> TypeRules:
        """What the type says of itself."""
        return _RULES[self.value]


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


def checked(new: NewIntegration) -> CheckedParts:
    """Check what was given. Raises InvalidInput; the message never holds the secret."""
    return parse_type(new.type).rules.check(new)
