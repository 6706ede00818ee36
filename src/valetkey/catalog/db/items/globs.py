"""Globs in SQL, by the databases' own operators, which take time but not the interpreter's lock.

``GLOB`` and ``LIKE`` know a wildcard for anything. So a pattern is widened to those: it fits what
the pattern does, and more. Where all its wildcards stand for anything, it fits no more. Where all
stay in their folders, no ``/`` is left for them once the text has as many as the pattern. Where
there are both, what is left is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, func, literal, or_

from valetkey.catalog.domain.dql.glob import Wild, pieces, posix_regex

SqlCondition = ColumnElement[bool]
SqlExpression = ColumnElement[Any]

#: The function by which SQLite looks again: pattern, text -> whether it fits.
SQLITE_FUNCTION: Final = "valetkey_glob"
#: Each of these doubles the patterns that are compared; more are looked at again.
_MOST_FOLDERS: Final = 2
#: A literal text, or None for anything.
_Wide = list[str | None]


def sqlite_glob(side: SqlExpression, pattern: str) -> SqlCondition:
    """Return a glob as SQLite matches it."""
    return _condition(side, pattern, _by_glob, _by_function)


def postgresql_glob(side: SqlExpression, pattern: str) -> SqlCondition:
    """Return a glob as PostgreSQL matches it."""
    return _condition(side, pattern, _by_like, _by_regex)


def _condition(
    side: SqlExpression,
    pattern: str,
    widely: Callable[[SqlExpression, _Wide], SqlCondition],
    again: Callable[[SqlExpression, str], SqlCondition],
) -> SqlCondition:
    found = pieces(pattern)
    wide = or_(*(widely(side, each) for each in _alternatives(pattern)))
    crossing = Wild.ANY in found or Wild.FOLDERS in found
    if crossing and (Wild.SEGMENT in found or found.count(Wild.FOLDERS) > _MOST_FOLDERS):
        return and_(wide, again(side, pattern))
    if Wild.SEGMENT in found:
        return and_(wide, _slashes(side) == literal(pattern.count("/")))
    return wide


def _alternatives(pattern: str) -> list[_Wide]:
    """Return what fits when one of these does: ``/**/`` is ``/``, or has anything within."""
    found = pieces(pattern)
    either: list[_Wide] = [["/"], ["/", None, "/"]]
    folders = either if found.count(Wild.FOLDERS) <= _MOST_FOLDERS else [["/", None]]
    choices: list[list[_Wide]] = [
        folders if piece is Wild.FOLDERS else [[None if isinstance(piece, Wild) else piece]]
        for piece in found
    ]
    return [[part for parts in chosen for part in parts] for chosen in product(*choices)]


def _slashes(side: SqlExpression) -> SqlExpression:
    return func.length(side) - func.length(func.replace(side, literal("/", Text()), ""))


def _by_glob(side: SqlExpression, wide: _Wide) -> SqlCondition:
    text = "".join("*" if part is None else _without_classes(part) for part in wide)
    return side.op("GLOB", is_comparison=True)(literal(text, Text()))


def _without_classes(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "[?" else letter for letter in text)


def _by_function(side: SqlExpression, pattern: str) -> SqlCondition:
    matched: SqlExpression = func.valetkey_glob(literal(pattern, Text()), side)
    return matched == 1


def _by_like(side: SqlExpression, wide: _Wide) -> SqlCondition:
    text = "".join("%" if part is None else _escaped(part) for part in wide)
    return side.like(literal(text, Text()), escape="\\")


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in text)


def _by_regex(side: SqlExpression, pattern: str) -> SqlCondition:
    return side.op("~", is_comparison=True)(literal(posix_regex(pattern), Text()))
