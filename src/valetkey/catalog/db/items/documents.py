"""Where the databases differ for filters: looking into metadata, and matching text.

Where a value is an array, a test is true of it when it is true of one of its elements.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Numeric,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items.globs import (
    SqlCondition,
    SqlExpression,
    postgresql_glob,
    sqlite_glob,
)
from valetkey.catalog.domain.dql.ast import MetadataValue, Scalar

_C = t.items.c
_NO_PATH: ColumnElement[Any] = literal_column("'{}'::text[]")
_ONE: ColumnElement[Any] = literal_column("1")

#: Text that JSON writes as it is, whoever writes it.
_PLAIN: Final = re.compile(r"[ !#-.0-\[\]-~]+")

ORDERINGS: Final[dict[str, Callable[[Any, Any], SqlCondition]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class Documents(Protocol):
    """A database's way. Conditions may be NULL for what is not there."""

    def exists(self, field: MetadataValue) -> SqlCondition:
        """Tell whether there is a value."""
        ...

    def equal(self, field: MetadataValue, value: Scalar) -> SqlCondition:
        """Compare with a value of the same type; null equals a missing value too."""
        ...

    def ordered(self, field: MetadataValue, operator: str, value: str | float) -> SqlCondition:
        """Compare numbers, or texts by code points."""
        ...

    def text_fits(
        self, field: MetadataValue, test: Callable[[SqlExpression], SqlCondition]
    ) -> SqlCondition:
        """Test a value that is text."""
        ...

    def glob(self, side: SqlExpression, pattern: str) -> SqlCondition:
        """Match a glob."""
        ...

    def holds(self, side: SqlExpression, text: str) -> SqlCondition:
        """Look for text."""
        ...


class Sqlite:
    """JSON functions."""

    def exists(self, field: MetadataValue) -> SqlCondition:
        return func.json_type(_C.metadata, _json_path(field)).is_not(None)

    def equal(self, field: MetadataValue, value: Scalar) -> SqlCondition:
        if value is None:
            missing = func.json_type(_C.metadata, _json_path(field)).is_(None)
            return or_(missing, self._any(field, lambda kind, _: kind == "null"))
        if isinstance(value, bool):
            return self._any(field, lambda kind, _: kind == ("true" if value else "false"))
        same = self._any(field, lambda kind, found: _same_type(kind, found, value, "=="))
        has_text = has_plain_text(value)
        # The document is looked into only where its text has the value, which is nearly always
        # enough and takes a fifth of the time. SQLite works out both sides of an AND.
        return same if has_text is None else case((has_text, same), else_=false())

    def ordered(self, field: MetadataValue, operator: str, value: str | float) -> SqlCondition:
        return self._any(field, lambda kind, found: _same_type(kind, found, value, operator))

    def text_fits(
        self, field: MetadataValue, test: Callable[[SqlExpression], SqlCondition]
    ) -> SqlCondition:
        return self._any(field, lambda kind, found: and_(kind == "text", test(found)))

    def glob(self, side: SqlExpression, pattern: str) -> SqlCondition:
        return sqlite_glob(side, pattern)

    def holds(self, side: SqlExpression, text: str) -> SqlCondition:
        return func.instr(side, literal(text, Text())) > 0

    def _any(
        self, field: MetadataValue, test: Callable[[SqlExpression, SqlExpression], SqlCondition]
    ) -> SqlCondition:
        place = _C.metadata, _json_path(field)
        kind: SqlExpression = func.json_type(*place)
        each = func.json_each(*place).table_valued("type", "value").alias()
        elements = select(_ONE).select_from(each).where(test(each.c.type, each.c.value))
        alone = test(kind, func.json_extract(*place))
        return or_(func.coalesce(alone, false()), and_(kind == "array", elements.exists()))


def has_plain_text(value: Scalar) -> SqlCondition | None:
    """Return what SQLite finds in the text of a document that has a value; None where JSON may
    write that value in several ways."""
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        return None
    return func.instr(_C.metadata, literal(f'"{value}"', Text())) > 0


def _same_type(
    kind: SqlExpression, found: SqlExpression, value: str | float, operator: str
) -> SqlCondition:
    kinds = ["text"] if isinstance(value, str) else ["integer", "real"]
    wanted = literal(value, Text()) if isinstance(value, str) else number(value)
    compared = found == wanted if operator == "==" else ORDERINGS[operator](found, wanted)
    return and_(kind.in_(kinds), compared)


class Postgresql:
    """JSONB operators. Keys are followed one by one: a path as a whole would index arrays too."""

    def exists(self, field: MetadataValue) -> SqlCondition:
        return self._value(field).is_not(None)

    def equal(self, field: MetadataValue, value: Scalar) -> SqlCondition:
        # An array contains what is one of its elements; an object contains no single value.
        found, wanted = self._value(field), literal(json.dumps(value, ensure_ascii=False), Text())
        contains = found.op("@>", is_comparison=True)(cast(wanted, JSONB))
        return or_(found.is_(None), contains) if value is None else contains

    def ordered(self, field: MetadataValue, operator: str, value: str | float) -> SqlCondition:
        if isinstance(value, str):
            wanted = literal(value, Text())
            return self.text_fits(
                field, lambda found: ORDERINGS[operator](collate(found, "C"), wanted)
            )
        number_given = cast(literal(repr(value), Text()), Numeric())

        def test(found: SqlExpression) -> SqlCondition:
            as_number = case(
                (func.jsonb_typeof(found) == "number", cast(_bare(found), Numeric())),
            )
            return ORDERINGS[operator](as_number, number_given)

        return self._any(field, test)

    def text_fits(
        self, field: MetadataValue, test: Callable[[SqlExpression], SqlCondition]
    ) -> SqlCondition:
        def as_text(found: SqlExpression) -> SqlCondition:
            return test(case((func.jsonb_typeof(found) == "string", _bare(found))))

        return self._any(field, as_text)

    def glob(self, side: SqlExpression, pattern: str) -> SqlCondition:
        return postgresql_glob(side, pattern)

    def holds(self, side: SqlExpression, text: str) -> SqlCondition:
        return func.strpos(side, literal(text, Text())) > 0

    def _any(
        self, field: MetadataValue, test: Callable[[SqlExpression], SqlCondition]
    ) -> SqlCondition:
        found = self._value(field)
        # Unlike jsonb_array_elements, it refuses nothing that is no array.
        elements = func.jsonb_path_query(found, literal_column("'$[*]'")).table_valued(
            column("value", JSONB)
        )
        each = elements.render_derived()
        among = select(_ONE).select_from(each).where(test(each.c.value)).exists()
        alone = func.coalesce(test(found), false())
        return or_(alone, and_(func.jsonb_typeof(found) == "array", among))

    @staticmethod
    def _value(field: MetadataValue) -> SqlExpression:
        value: SqlExpression = _C.metadata
        for key in field.path:
            value = value.op("->")(literal(key, Text()))
        return value


def number(value: float) -> SqlExpression:
    """Return a number as a parameter."""
    return literal(value, BigInteger() if isinstance(value, int) else Float(53))


def _bare(value: SqlExpression) -> SqlExpression:
    # An empty path: the value itself, as text without quotes.
    return value.op("#>>", return_type=Text())(_NO_PATH)


def _json_path(field: MetadataValue) -> SqlExpression:
    path = "$" + "".join(f'."{key}"' for key in field.path)
    return literal(path, Text())
