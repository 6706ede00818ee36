"""What all shapes share: camelCase, a sentence for each property, and nothing for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")

#: The moment in every example.
_MOMENT: Final = "2026-01-31T12:00:00Z"
ID: Final = "0198c0de0000700080000001"


def says(text: str, *examples: Any, **limits: Any) -> msgspec.Meta:
    """Describe a property: a sentence, examples of it, and its limits (``ge``, ``max_length``)."""
    return msgspec.Meta(description=text, examples=list(examples) or None, **limits)


class Shape(
    msgspec.Struct,
    rename="camel",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
):
    """A body that the server sends. What there is not is left out (None here); what a newer
    server sends beyond these properties is let be. ``tagged`` says of one without an id that it
    has an ETag; the properties in ``observed`` are no part of that: they tell what was seen of the
    thing, and not what it is. ``handle`` are the properties by which the command line takes it, of
    one that it does not take by its name or address."""

    handle: ClassVar[tuple[str, ...]] = ()
    tagged: ClassVar[bool] = False
    observed: ClassVar[tuple[str, ...]] = ()


class Body(
    msgspec.Struct,
    rename="camel",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A body that the server reads; a property that it does not know is refused: a misspelt one
    must not ask for less, or for more, than was meant."""


class Change(Body, frozen=True):
    """A merge-patch (RFC 7396): what is left out stays as it is, null takes away."""


class Query(Body, frozen=True):
    """The parameters of an address; one that is not known is refused."""


class Nothing(Query, frozen=True):
    """No body, no parameters, or no answer."""


class Paging(Query, frozen=True):
    """Which part of a list."""

    limit: Annotated[int, says("How many entries at most.", 100, ge=1, le=1000)] = 100
    #: A path of 1,024 control characters fits.
    cursor: Annotated[
        Annotated[str, msgspec.Meta(max_length=9000)] | None,
        says("Where to go on: `next` of the part before.", "WyJhIl0"),
    ] = None


class Page(Shape, Generic[T], frozen=True, omit_defaults=False):
    """Part of a list."""

    items: Annotated[list[T], says("The entries of this part.")]
    next: Annotated[
        str | None, says("Give it as `cursor` for the next part; null at the end.", None)
    ] = None


class Person(Shape, frozen=True):
    """Somebody. The id is the identity; the address may change."""

    id: Annotated[str, says("Their id.", ID)]
    email: Annotated[str | None, says("Their e-mail address.", "ada@example.com")] = None


class Creator(Shape, frozen=True):
    """Who made something: their address at that time, and the id of its account. Without an id
    there is no such account any more, or it was no person."""

    email: Annotated[str, says("Their e-mail address.", "ada@example.com")]
    id: Annotated[str | None, says("Their id.", ID)] = None


Id = Annotated[str, says("Its opaque id.", ID)]
Name = Annotated[str, says("Its name, for people.", "training-data", min_length=1, max_length=255)]
#: A moment with its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Created = Annotated[Moment, says("When it was made.", _MOMENT)]
Updated = Annotated[Moment, says("When it was last changed.", _MOMENT)]
Version = Annotated[int, says("Its version: one more with each change. The ETag is this.", 1)]
MadeBy = Annotated[Creator, says("Who made it.")]
OrgId = Annotated[str, says("The organisation that it belongs to.", ID)]
ProjectId = Annotated[str, says("The project that it belongs to.", ID)]
LocationId = Annotated[str, says("The location that it is about.", ID)]
IntegrationId = Annotated[str, says("The integration that it goes through.", ID)]
WhichOrg = Annotated[
    str | None,
    says("The organisation that is meant; may be left out by whoever belongs to one only.", ID),
]
Prefixes = Annotated[
    list[str],
    says('Folders below the location\'s own, each ending in "/"; "" is all of it.', ["train/"]),
]
AccessLevel = Literal["list", "read", "write", "delete"]
Access = Annotated[
    list[AccessLevel],
    says("What may be done: list, read, write, delete.", ["list", "read"]),
]


def moment_meta(text: str) -> msgspec.Meta:
    """Describe a moment."""
    return says(text, _MOMENT)


def checked_list(values: Iterable[T], name: str) -> list[T]:
    """Return a sequence as a list. Raises TypeError for a plain string: each of its letters would
    count as an entry."""
    if isinstance(values, str | bytes):
        raise TypeError(f"{name} is a sequence of strings, not one string: write [{values!r}]")
    return list(values)
