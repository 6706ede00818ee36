"""The source of types, shapes and arguments, as ``library`` writes them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from valetkey.wire.base import Page, Query

#: Sent by the library itself, page after page.
PAGING: Final = frozenset({"limit", "cursor"})


def source(hint: Any) -> str:  # noqa: PLR0911  # a case each
    """Return the source of a type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return source(args[0])
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(source(arg) for arg in args)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, args))}]"
    if origin is list:
        return f"Sequence[{source(args[0])}]"
    if origin is dict:
        return f"dict[{', '.join(map(source, args))}]"
    simple = {type(None): "None", datetime: "datetime", msgspec.UnsetType: "UnsetType", Any: "Any"}
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return shape(hint)
    return str(getattr(hint, "__name__", hint))


def shape(kind: Any) -> str:
    """Return the source of a shape: ``locations.Location``."""
    if typing.get_origin(kind) is Page or str(kind).startswith("valetkey.wire.base.Page["):
        return f"base.Page[{shape(typing.get_args(kind)[0])}]"
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def fields(kind: type[Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield each property's name, type and default, and whether it is a list."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for each in msgspec.structs.fields(kind):
        if issubclass(kind, Query) and each.name in PAGING:
            continue
        kind_of = source(hints[each.name])
        default = ""
        if each.default is not msgspec.NODEFAULT:
            default = "UNSET" if each.default is msgspec.UNSET else repr(each.default)
        elif each.default_factory is not msgspec.NODEFAULT:
            made = each.default_factory()
            default = repr(tuple(made)) if isinstance(made, list) else "None"
            kind_of += " | None" if default == "None" else ""
        yield each.name, kind_of, default, "Sequence[" in kind_of


def _argument(name: str, kind: str, *, is_list: bool) -> str:
    if not is_list:
        return f"{name}={name}"
    made = f"checked_list({name}, {name!r})"
    if "UnsetType" in kind:
        made = f"{name} if {name} is UNSET else {made}"
    elif "None" in kind:
        made = f"None if {name} is None else {made}"
    return f"{name}={made}"


def filled(given: Iterable[tuple[str, str, str, bool]]) -> str:
    """Return the arguments with which a shape is made of a method's own."""
    return ", ".join(
        f"{name}={name} or {{}}"
        if value == "None" and "dict[" in hint
        else _argument(name, hint, is_list=many)
        for name, hint, value, many in given
    )
