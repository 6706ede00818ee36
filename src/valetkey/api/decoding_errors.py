"""Why a body or an address could not be read, in our words: what it has, what belongs there, and
an example. msgspec's messages name types of Python's and places, and are read here alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeGuard

import msgspec
from msgspec import inspect

from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput

_JSON_HINT: Final = (
    "Send valid JSON: names and texts in double quotes, and no comma after the last entry."
)
_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_BYTE: Final = re.compile(r"\(byte (\d+)\)$")
_WORDS: Final = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a moment",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "a text",
}


class _Found(NamedTuple):
    """What stands at a place of a shape: its type, its examples, and whether null may."""

    type: inspect.Type
    examples: tuple[Any, ...]
    nullable: bool


def misread_json(
    error: msgspec.DecodeError, shape: Any, *, whole: str = "The body"
) -> InvalidInput:
    """Return the refusal of what is no JSON, or not of its shape."""
    if isinstance(error, msgspec.ValidationError):
        return _misread(error, shape, whole=whole, part="property")
    byte = _BYTE.search(str(error))
    where = f"it can't be read from byte {byte[1]} on" if byte else "it breaks off, or is empty"
    return InvalidInput(f"{whole} is not JSON: {where}.", hint=_JSON_HINT)


def misread_fields(
    error: msgspec.ValidationError, shape: Any, *, whole: str, part: str
) -> InvalidInput:
    """Return the refusal of what came as texts: the ``whole``, such as "The query", of ``part``s,
    such as parameters."""
    return _misread(error, shape, whole=whole, part=part)


def _misread(error: msgspec.ValidationError, shape: Any, *, whole: str, part: str) -> InvalidInput:
    text = str(error)
    at = _PLACE.search(text)
    path, message = (at["path"], text[: at.start()]) if at else ("", text)
    where, is_within, _ = path.lstrip(".").partition("[...]")
    place = where or whole
    if is_within:
        place = f"Something in {where or whole.lower()}"
    found = _at(shape, path)
    if named := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL):
        return InvalidInput(
            f"{place} has no {part} {named[1][:80]!r}.",
            hint=f"It takes {_listed(_names(found.type)) or 'none'}.",
            field=".".join(filter(None, (where, named[1]))),
        )
    if named := re.fullmatch(r"Object missing required field `(.*)`", message):
        field = ".".join(filter(None, (where, named[1])))
        missing = _at(shape, f"{path}.{named[1]}")
        hint = f"Send {_wanted(missing, part=part)}."
        return InvalidInput(f"{field} is missing.", hint=hint, field=field)
    said = next(
        (say(got) for form, say in _SAID if (got := form.fullmatch(message))), "can't be read"
    )
    return InvalidInput(
        f"{place} {said}.",
        hint=f"Send {_wanted(found, part=part, null=part == 'property')}.",
        field=where,
    )


def _in_words(kinds: str) -> str:
    each = [_WORDS.get(kind.strip(), "another kind") for kind in kinds.split("|")]
    return " or ".join(dict.fromkeys(each))


def _of_length(got: re.Match[str]) -> str:
    one, count = {"str": "letter", "array": "entry", "object": "property"}[got[1]], int(got[3])
    if got[2] == "<=":
        return f"has more than {counted(count, one)}"
    return "is empty" if count == 1 else f"has fewer than {counted(count, one)}"


_BOUNDS: Final = {">=": "less than", "<=": "more than", ">": "not more than", "<": "not less than"}
_Say = Callable[["re.Match[str]"], str]
#: How a message reads, and what is said of the place instead.
_SAID: Final[tuple[tuple[re.Pattern[str], _Say], ...]] = (
    (
        re.compile(r"Expected `([^`]*)`, got `([^`]*)`"),
        lambda got: f"is {_in_words(got[2])}, and not {_in_words(got[1])}",
    ),
    (
        re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) (.*)"),
        lambda got: f"is {_BOUNDS[got[1]]} {float(got[2]):.15g}",
    ),
    (
        re.compile(r"Expected `(?:int|float)` that's a multiple of (.*)"),
        lambda got: f"is no multiple of {got[1]}",
    ),
    (re.compile(r"Expected `(str|array|object)` of length (>=|<=) (\d+)"), _of_length),
    (re.compile(r"Expected `str` matching regex .*"), lambda _: "does not have the right form"),
    (
        re.compile(r"Expected `\w+` with a timezone component"),
        lambda _: "is a moment without its zone",
    ),
    (re.compile(r"Expected `\w+` with no timezone component"), lambda _: "is with a zone"),
    (
        re.compile(r"Invalid (?:RFC3339|epoch|ISO8601).*|Timestamp is out of range.*"),
        lambda _: "is no moment",
    ),
    (
        re.compile(r"Invalid (?:enum )?value (.*)", re.DOTALL),
        lambda got: f"is {got[1][:80]}, which is none of its values",
    ),
    (
        re.compile(r"(?:Integer value|Number) out of range"),
        lambda _: "is a number with too many digits",
    ),
)


def _at(shape: Any, path: str) -> _Found:
    """Return what stands at one of msgspec's places: ``.prefixes[0]``, ``.metadata[...]``."""
    found = _plain(_type_of(shape))
    for step in _STEP.finditer(path):
        found = _plain(_inward(found.type, step[1]))
    return found


# 4 ms without.
@lru_cache(maxsize=256)
def _type_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


def _inward(within: inspect.Type, name: str | None) -> inspect.Type:
    """Return the type of a property, or without a name of an entry."""
    tags = [each.tag for each in _alternatives(within) if _is_tagged(each, name)]
    if tags:
        return inspect.LiteralType(tuple(tags))
    for kind in _alternatives(within):
        if isinstance(kind, inspect.StructType) and name is not None:
            for field in kind.fields:
                if field.encode_name == name:
                    return field.type
        if isinstance(kind, inspect.ListType) and name is None:
            return kind.item_type
        if isinstance(kind, inspect.DictType):
            return kind.value_type
    return inspect.AnyType()


def _is_tagged(kind: inspect.Type, name: str | None) -> TypeGuard[inspect.StructType]:
    """Tell whether this property says of an object that it is of this kind."""
    return isinstance(kind, inspect.StructType) and name is not None and kind.tag_field == name


def _alternatives(within: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(within, inspect.Metadata):
        yield from _alternatives(within.type)
    elif isinstance(within, inspect.UnionType):
        for kind in within.types:
            yield from _alternatives(kind)
    else:
        yield within


def _plain(within: inspect.Type) -> _Found:
    """Return a type without null and without what describes it."""
    examples: tuple[Any, ...] = ()
    while isinstance(within, inspect.Metadata):
        examples = tuple((within.extra_json_schema or {}).get("examples", ())) or examples
        within = within.type
    kinds = tuple(_alternatives(within))
    others = tuple(kind for kind in kinds if not isinstance(kind, inspect.NoneType))
    is_nullable = len(others) < len(kinds)
    if len(others) == 1:
        return _Found(others[0], examples, is_nullable)
    return _Found(inspect.UnionType(others) if others else within, examples, is_nullable)


def _names(within: inspect.Type) -> list[str]:
    return [
        field.encode_name
        for kind in _alternatives(within)
        if isinstance(kind, inspect.StructType)
        for field in kind.fields
    ]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _wanted(found: _Found, *, part: str, null: bool = False) -> str:
    """Say what belongs there: ``a whole number from 900 to 43200, such as 3600, or null``."""
    shown = [each for each in found.examples if each not in (None, "", [], {})]
    example = msgspec.json.encode(shown[0]).decode() if shown else ""
    kind = found.type
    if part == "parameter":  # a text, and a list of them by saying it again
        example = str(shown[0]) if shown else ""
        if isinstance(kind, inspect.ListType):
            kind, example = kind.item_type, str(shown[0][0]) if shown else ""
    wanted = " or ".join(dict.fromkeys(_described(each) for each in _alternatives(kind)))
    if example and not isinstance(kind, inspect.LiteralType | inspect.BoolType):
        wanted += f", such as {example}"
    return f"{wanted}, or null" if null and found.nullable else wanted


_DESCRIBED: Final[tuple[tuple[type[inspect.Type], Callable[[Any], str]], ...]] = (
    (inspect.LiteralType, lambda kind: f"one of {_listed([str(each) for each in kind.values])}"),
    (inspect.EnumType, lambda kind: f"one of {_listed([str(each.value) for each in kind.cls])}"),
    (inspect.IntType, lambda kind: "a whole number" + _limits(kind.ge, kind.le, "")),
    (inspect.FloatType, lambda kind: "a number" + _limits(kind.ge, kind.le, "")),
    (inspect.StrType, lambda kind: "a text" + _limits(kind.min_length, kind.max_length, "letter")),
    (inspect.ListType, lambda kind: "a list" + _limits(kind.min_length, kind.max_length, "entry")),
    (inspect.StructType, lambda kind: f"an object with {_listed(_names(kind)) or 'nothing in it'}"),
    (inspect.DateTimeType, lambda kind: "a moment" + (" with its zone" if kind.tz else "")),
    (inspect.BoolType, lambda _: "true or false"),
    (inspect.DictType, lambda _: "an object"),
)


def _described(kind: inspect.Type) -> str:
    said = (say(kind) for of, say in _DESCRIBED if isinstance(kind, of))
    return next(said, "what belongs there")


def _limits(least: float | None, most: float | None, one: str) -> str:
    def said(number: float) -> str:  # a number alone as it is to be sent
        return counted(number, one) if one else f"{number:.15g}"

    if least is not None and most is not None:
        return f" {'of' if one else 'from'} {least:.15g} to {said(most)}"
    if most is not None:
        return f" of {'up to' if one else 'at most'} {said(most)}"
    if least is not None:
        return f" of at least {said(least)}"
    return ""
