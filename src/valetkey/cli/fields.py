"""A body's plain properties as a command's options: their names, types and sentences are the
API's."""

from __future__ import annotations

import types
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

import msgspec
from cyclopts import Parameter


class Fields:
    """The options of a command that a body's properties make, all of them but those that the
    command has itself: ``class New(Fields, body=NewLocation, but={"name"})``.

    Of what is made, a property that was not given is left out; of a change, an empty text takes
    away what may be taken away.
    """

    _nullable: ClassVar[frozenset[str]]

    def __init_subclass__(cls, *, body: type[msgspec.Struct], but: Collection[str]) -> None:
        hints = get_type_hints(body, include_extras=True)
        own = [each for each in msgspec.structs.fields(body) if each.name not in but]
        cls.__annotations__ = {each.name: _option(hints[each.name]) for each in own}
        for each in own:
            is_flag = each.default is False
            setattr(cls, each.name, field(default=False if is_flag else None))
        cls._nullable = frozenset(
            each.name
            for each in own
            if each.default is msgspec.UNSET and _may_be(hints[each.name], types.NoneType)
        )
        Parameter(name="*")(dataclass(frozen=True, kw_only=True)(cls))

    def given(self) -> dict[str, Any]:
        """Return what was given, as the client's call takes it."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]  # every subclass is one
        return {
            name: None if value == "" and name in self._nullable else value
            for name, value in values.items()
            if value is not None
        }


def _unwrapped(hint: Any) -> tuple[Any, str]:
    """Return a property's type, and the sentence that describes it."""
    if get_origin(hint) is not Annotated:
        return hint, ""
    kind, *notes = get_args(hint)
    said = next((note.description for note in notes if isinstance(note, msgspec.Meta)), "")
    return kind, said or ""


def _may_be(hint: Any, kind: type[Any]) -> bool:
    return kind in get_args(_unwrapped(hint)[0])


def _option(hint: Any) -> Any:
    kind, said = _unwrapped(hint)
    if get_origin(kind) in {Union, types.UnionType}:
        parts = tuple(part for part in get_args(kind) if part is not msgspec.UnsetType)
        kind = Union[(*parts, types.NoneType)]  # made at run time
    help_ = said.replace("null:", "empty:")
    return Annotated[kind, Parameter(help=help_, negative=() if kind is bool else None)]
