"""From an entity to its shape, and from a body to what a service is given: by the fields' names.

Both ways are made when a module is imported, and judged then: a property that nothing fills, one
that nobody reads, or one whose type does not fit what is behind it, ends in TypeError before the
server has begun. So a new field is written in the entity and in its shape, and nowhere between.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import Enum
from operator import attrgetter
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from valetkey.domain.changes import Unset
from valetkey.wire.base import Creator

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
_Convert = Callable[[Any], Any]
_NOTHING: Final = (types.NoneType, Unset, msgspec.UnsetType)
_NO_NAMES: Final[Mapping[str, str]] = {}
_NO_WAYS: Final[Mapping[str, _Convert]] = {}


class ShapeMapper(Generic[S]):
    """Makes a shape of an entity.

    Each property is the entity's attribute of that name (``within`` a part of it: ``event.``);
    ``named`` says which other one it is, ``by`` how its value is made. What the entity does
    not know is ``added`` at each call. Texts that are empty are left out where the shape allows
    it; enumerations become their values, sets of them lists in the enumeration's order, durations
    whole seconds.
    """

    def __init__(
        self,
        shape: type[S],
        entity: type[Any],
        *,
        within: str = "",
        named: Mapping[str, str] = _NO_NAMES,
        by: Mapping[str, _Convert] = _NO_WAYS,
        added: Collection[str] = (),
    ) -> None:
        wanted = get_type_hints(shape)
        filled = [field.name for field in msgspec.structs.fields(shape) if field.name not in added]
        _refuse({*named, *by, *added} - set(wanted), shape, "has no property")
        paths = {name: named.get(name, within + name) for name in filled}
        ways = {
            name: by.get(name) or _outward(_type_of(entity, path), wanted[name], shape, name)
            for name, path in paths.items()
        }
        self._make = _compiled(shape, paths, ways)

    def __call__(self, entity: Any, /, **added: Any) -> S:
        """Return an entity's shape, with what it does not know itself."""
        return self._make(entity, **added)


def _compiled(
    shape: type[S], paths: Mapping[str, str], ways: Mapping[str, _Convert]
) -> Callable[..., S]:
    """Return the function that one would write by hand, and as fast (as dataclasses do it): a
    bucket is exported by the million. All names in it are those of our own classes."""
    known: dict[_Convert, str] = {_as_it_is: "{}", _left_out_if_empty: "{} or None"}
    parts = [
        f"{name}={known.get(ways[name], f'ways[{name!r}]({{}})').format(f'entity.{path}')}"
        for name, path in paths.items()
    ]
    source = f"lambda entity, **added: shape({', '.join(parts)}, **added)"
    made: Callable[..., S] = eval(source, {"shape": shape, "ways": ways})  # noqa: S307
    return made


class InputMapper(Generic[T]):
    """Makes of a body what a service is given.

    Each property is the field of that name, or the one that ``named`` says; ``by`` says how it is
    read. What the route reads by itself is ``beside``. What was left out keeps the field's default;
    a null in a change takes away.
    """

    def __init__(
        self,
        kind: type[T],
        body: type[Any],
        *,
        named: Mapping[str, str] = _NO_NAMES,
        by: Mapping[str, _Convert] = _NO_WAYS,
        beside: Collection[str] = (),
    ) -> None:
        sent, wanted = get_type_hints(body), get_type_hints(kind)
        read = [field for field in msgspec.structs.fields(body) if field.name not in beside]
        _refuse({*named, *by, *beside} - set(sent), body, "has no property")
        targets = {field.name: named.get(field.name, field.name) for field in read}
        _refuse(set(targets.values()) - set(wanted), kind, "has no field")
        _refuse(_required(kind) - set(targets.values()), body, "does not give")
        self._kind = kind
        self._fields = [
            (
                field.name,
                targets[field.name],
                field.default,
                by.get(field.name)
                or _inward(sent[field.name], wanted[targets[field.name]], body, field.name),
            )
            for field in read
        ]

    def __call__(self, body: Any, /) -> T:
        """Return what a body gives."""
        given: dict[str, Any] = {}
        for name, target, default, convert in self._fields:
            value = getattr(body, name)
            if value is msgspec.UNSET or (value is None and default is None):
                continue
            given[target] = convert(value)
        return self._kind(**given)


def _refuse(names: AbstractSet[str], kind: type[Any], problem: str) -> None:
    if names:
        raise TypeError(
            f"{kind.__module__}.{kind.__qualname__} {problem}: {', '.join(sorted(names))}"
        )


def _required(kind: type[Any]) -> set[str]:
    return {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }


def _type_of(entity: type[Any], path: str) -> Any:
    """Return the type of an attribute, a field or a property, of an entity's class."""
    kind: Any = entity
    for name in path.split("."):
        found = getattr(kind, name, None)
        if isinstance(found, property):
            kind = get_type_hints(found.fget)["return"]
        else:
            hints = get_type_hints(kind) if isinstance(kind, type) else {}
            if name not in hints:
                raise TypeError(f"{entity.__qualname__} has no {path}")
            kind = hints[name]
    return kind


def _parts(kind: Any) -> tuple[Any, bool]:
    """Return a type without what says that there may be nothing, and whether it said so."""
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind, False
    left = [part for part in get_args(kind) if part not in _NOTHING]
    return Union[tuple(left)], types.NoneType in get_args(kind)  # noqa: UP007  # made at run time


def _origin(kind: Any) -> Any:
    return get_origin(kind) or kind


def _is(kind: Any, *bases: type[Any]) -> bool:
    origin = _origin(kind)
    return isinstance(origin, type) and issubclass(origin, bases)


def _as_it_is(value: Any) -> Any:
    return value


def _left_out_if_empty(value: str) -> str | None:
    return value or None


def _outward(kind: Any, wanted: Any, shape: type[Any], name: str) -> _Convert:
    (source, may_lack), (target, may_be_left_out) = _parts(kind), _parts(wanted)
    convert = _plain(source, target)
    if convert is None or (may_lack and not may_be_left_out):
        raise TypeError(f"{shape.__qualname__}.{name} is {wanted}, and {kind} does not fit there")
    if may_lack and convert is not _as_it_is:
        return lambda value: None if value is None else convert(value)
    if source is str and may_be_left_out and not may_lack:
        if target is Creator:
            return lambda email: Creator(email=email) if email else None
        return _left_out_if_empty
    return convert


def _plain(source: Any, target: Any) -> _Convert | None:
    """Return how a value becomes one of a shape's property; None if it does not fit there."""
    if source == target or (source is str and _origin(target) is Literal):
        return _as_it_is
    if _is(source, Enum):
        known = {member.value for member in source}
        fits = target is str or (_origin(target) is Literal and known <= set(get_args(target)))
        return attrgetter("value") if fits else None
    if source is str and target is Creator:
        return lambda email: Creator(email=email)
    if source is timedelta and target is int:
        return lambda value: int(value.total_seconds())
    return _collected(source, target)


def _collected(source: Any, target: Any) -> _Convert | None:
    if _is(source, frozenset) and _is(target, list) and _is(get_args(source)[0], Enum):
        order = list(get_args(source)[0])
        return lambda value: [member.value for member in order if member in value]
    if _is(source, Sequence) and _is(target, list):
        return list
    return dict if _is(source, Mapping) and _is(target, dict) else None


def _inward(kind: Any, wanted: Any, body: type[Any], name: str) -> _Convert:
    (source, may_be_null), (target, may_lack) = _parts(kind), _parts(wanted)
    if source == target or (target is str and _origin(source) is Literal):
        if may_be_null and not may_lack and target is str:
            # Null takes away, and where there is no nothing a text is empty.
            return lambda value: "" if value is None else value
        return _as_it_is
    if _is(target, Enum) and _origin(source) is Literal:
        members: _Convert = target
        return members
    raise TypeError(f"{body.__qualname__}.{name} is {kind}, and does not fit {wanted}")
