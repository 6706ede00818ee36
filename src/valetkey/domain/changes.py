"""What is to be changed of a thing, and what is to stay: no value is a value too."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

if TYPE_CHECKING:
    from dataclasses import Field


class Dataclass(Protocol):
    """Any dataclass instance."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


#: What is left out of a change stays as it is.
UNSET: Final = Unset.UNSET


def given(change: Dataclass) -> dict[str, Any]:
    """Return the fields that were given, by name."""
    values = {field.name: getattr(change, field.name) for field in fields(change)}
    return {name: value for name, value in values.items() if value is not UNSET}
