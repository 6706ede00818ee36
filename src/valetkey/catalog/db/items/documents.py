"""Where the databases differ for filters: looking into metadata, and matching text."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Float,
    Text,
    case,
    cast,
    collate,
    func,
    literal,
    literal_column,
)

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.dql.ast import Metadata
from valetkey.catalog.domain.dql.glob import atomic_regex, posix_regex

Condition = ColumnElement[bool]
Expression = ColumnElement[Any]

_C = t.items.c
_NO_PATH: ColumnElement[Any] = literal_column("'{}'::text[]")


class Documents(Protocol):
    """A database's way. What is not of the type that is asked for is NULL."""

    def type_of(self, field: Metadata) -> Expression:
        """Return the JSON type of a value; NULL for none."""
        ...

    def text(self, field: Metadata) -> Expression:
        """Return a value that is text; NULL for another."""
        ...

    def number(self, field: Metadata) -> Expression:
        """Return a value that is a number; NULL for another."""
        ...

    def is_boolean(self, field: Metadata, value: bool) -> Condition:
        """Compare with true or false."""
        ...

    def by_code_points(self, side: Expression) -> Expression:
        """Return text so that it is ordered by code points."""
        ...

    def glob(self, side: Expression, pattern: str) -> Condition:
        """Match a glob."""
        ...

    def holds(self, side: Expression, text: str) -> Condition:
        """Look for text."""
        ...


class Sqlite:
    """JSON functions; REGEXP is Python's own ``re``, as SQLAlchemy offers it."""

    def type_of(self, field: Metadata) -> Expression:
        return func.json_type(_C.metadata, _json_path(field))

    def text(self, field: Metadata) -> Expression:
        value = func.json_extract(_C.metadata, _json_path(field))
        return case((self.type_of(field) == "text", value))

    def number(self, field: Metadata) -> Expression:
        value = func.json_extract(_C.metadata, _json_path(field))
        return case((self.type_of(field).in_(["integer", "real"]), value))

    def is_boolean(self, field: Metadata, value: bool) -> Condition:
        return self.type_of(field) == ("true" if value else "false")

    def by_code_points(self, side: Expression) -> Expression:
        return side

    def glob(self, side: Expression, pattern: str) -> Condition:
        # ``re.search``, so both ends are held here.
        regex = rf"\A(?s:{atomic_regex(pattern).pattern})\Z"
        return side.op("REGEXP", is_comparison=True)(literal(regex, Text()))

    def holds(self, side: Expression, text: str) -> Condition:
        return func.instr(side, literal(text, Text())) > 0


class Postgresql:
    """JSONB operators. Keys are followed one by one: a path as a whole would index arrays too."""

    def type_of(self, field: Metadata) -> Expression:
        return func.jsonb_typeof(self._value(field))

    def text(self, field: Metadata) -> Expression:
        value = self._value(field)
        return case((func.jsonb_typeof(value) == "string", _bare(value)))

    def number(self, field: Metadata) -> Expression:
        value = self._value(field)
        return case((func.jsonb_typeof(value) == "number", cast(_bare(value), Float(53))))

    def is_boolean(self, field: Metadata, value: bool) -> Condition:
        found = self._value(field)
        return case(
            (func.jsonb_typeof(found) == "boolean", _bare(found) == ("true" if value else "false"))
        )

    def by_code_points(self, side: Expression) -> Expression:
        return collate(side, "C")

    def glob(self, side: Expression, pattern: str) -> Condition:
        return side.op("~", is_comparison=True)(literal(posix_regex(pattern), Text()))

    def holds(self, side: Expression, text: str) -> Condition:
        return func.strpos(side, literal(text, Text())) > 0

    @staticmethod
    def _value(field: Metadata) -> Expression:
        value: Expression = _C.metadata
        for key in field.path:
            value = value.op("->")(literal(key, Text()))
        return value


def _bare(value: Expression) -> Expression:
    # An empty path: the value itself, as text without quotes.
    return value.op("#>>", return_type=Text())(_NO_PATH)


def _json_path(field: Metadata) -> Expression:
    path = "$" + "".join(f'."{key}"' for key in field.path)
    return literal(path, Text())
