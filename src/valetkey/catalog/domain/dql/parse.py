"""JSON -> the tree of a filter, or a refusal that says what is wrong and where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from valetkey.catalog.domain.dql.ast import (
    All,
    Column,
    Compare,
    Contains,
    Either,
    Equal,
    Exists,
    Field,
    Glob,
    Metadata,
    Node,
    Not,
    Scalar,
)
from valetkey.catalog.domain.dql.glob import is_glob
from valetkey.domain.errors import InvalidInput, TooLarge

MAX_DEPTH: Final = 20
MAX_CONDITIONS: Final = 200
MAX_VALUES: Final = 5000
MAX_TEXT: Final = 4096
#: Integers beyond this are not exact in JSON readers that keep numbers as doubles.
MAX_INTEGER: Final = 2**53
_MAX_PATH: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS: Final = {column.value: column for column in Column}
_MOMENTS: Final = frozenset({Column.CREATED_AT, Column.UPDATED_AT})
_GLOBBED: Final = frozenset({Column.FILENAME, Column.DIR, Column.NAME, Column.MIMETYPE})
#: Fields of Dataloop's items that are the same for every item here.
_CONSTANTS: Final[Mapping[str, Scalar]] = {
    "hidden": False,
    "annotated": False,
    "annotationsCount": 0,
}
_ORDERINGS: Final[Mapping[str, Literal["<", "<=", ">", ">="]]] = {
    "$lt": "<",
    "$lte": "<=",
    "$gt": ">",
    "$gte": ">=",
}
_SORTABLE: Final = {
    "id": Column.ID,
    "filename": Column.FILENAME,
    "createdAt": Column.CREATED_AT,
    "updatedAt": Column.UPDATED_AT,
}


def parse_filter(document: object) -> Node:
    """Read a filter: an object of fields and operators. Raises InvalidInput, TooLarge."""
    return _Parser().node(document, 0)


def parse_sort(document: object) -> tuple[Column, bool]:
    """Read ``{field: "ascending" | "descending"}``; returns the field, and whether it descends.

    Nothing, or an empty object, is by id. Raises InvalidInput.
    """
    if document is None or document == {}:
        return Column.ID, False
    if not isinstance(document, Mapping) or len(document) != 1:
        raise _refused("A sort is one field with its direction.", 'such as {"id": "ascending"}')
    [(name, direction)] = document.items()
    if name not in _SORTABLE or direction not in ("ascending", "descending"):
        fields = ", ".join(_SORTABLE)
        raise _refused(
            f"Items can't be sorted by {_shown(name)}, {_shown(direction)}.",
            f"one of {fields} with 'ascending' or 'descending'",
        )
    return _SORTABLE[name], direction == "descending"


class _Parser:
    """Counts as it goes, so that no filter is too big for the database."""

    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def node(self, document: object, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise TooLarge(f"The filter is nested deeper than {MAX_DEPTH}.", hint="Flatten it.")
        if not isinstance(document, Mapping):
            raise _refused(f"{_shown(document)} is not a condition.", "an object, {field: value}")
        parts = [self._part(str(name), value, depth) for name, value in document.items()]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self, name: str, value: object, depth: int) -> Node:
        if name in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise _refused(f"{name} holds {_shown(value)}.", "a list of conditions")
            parts = tuple(self.node(part, depth + 1) for part in value)
            return All(parts) if name == "$and" else Either(parts)
        if name.startswith("$"):
            raise _refused(f"There is no operator {_shown(name)} here.", "$and, $or, or a field")
        return self._field(name, value)

    def _field(self, name: str, value: object) -> Node:
        if isinstance(value, Mapping):
            if not value:
                raise _refused(f"{_shown(name)} is compared with nothing.", "an operator")
            parts = [self._operator(name, str(op), operand) for op, operand in value.items()]
            return parts[0] if len(parts) == 1 else All(tuple(parts))
        return self._operator(name, "$in" if isinstance(value, list) else "$eq", value)

    def _operator(self, name: str, operator: str, operand: object) -> Node:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise TooLarge(f"The filter has more than {MAX_CONDITIONS} conditions.", hint="Split.")
        if operator in ("$ne", "$nin"):
            positive = "$eq" if operator == "$ne" else "$in"
            return Not(self._test(name, positive, operand))
        return self._test(name, operator, operand)

    def _test(self, name: str, operator: str, operand: object) -> Node:
        if name in _CONSTANTS:
            return self._constant(name, operator, operand)
        field = _field(name)
        if operator == "$eq":
            return self._equal(field, operand)
        if operator == "$in":
            if not isinstance(operand, list):
                raise _refused(f"$in holds {_shown(operand)}.", "a list of values")
            return Either(tuple(self._equal(field, value) for value in operand))
        if operator in _ORDERINGS:
            return self._ordered(field, _ORDERINGS[operator], operand)
        if operator == "$exists":
            if not isinstance(operand, bool):
                raise _refused(f"$exists holds {_shown(operand)}.", "true or false")
            return Exists(field) if operand else Not(Exists(field))
        if operator == "$match":
            text = self._value(operand)
            if not isinstance(text, str):
                raise _refused(f"$match holds {_shown(operand)}.", "text to look for")
            return Contains(field, text)
        known = "$eq $ne $in $nin $gt $gte $lt $lte $exists $match"
        raise _refused(f"There is no operator {_shown(operator)}.", f"one of {known}")

    def _constant(self, name: str, operator: str, operand: object) -> Node:
        """Answer at once for a field that is the same for all: items are not hidden."""
        value, always, never = _CONSTANTS[name], All(()), Either(())
        if operator == "$exists" and isinstance(operand, bool):
            return always if operand else never
        wanted = operand if operator == "$in" and isinstance(operand, list) else [operand]
        if operator not in ("$eq", "$in"):
            raise _refused(f"{name} is compared with {_shown(operator)}.", "$eq, $ne, $in or $nin")
        checked = [self._value(one) for one in wanted]
        same = any(
            one == value and isinstance(one, bool) == isinstance(value, bool) for one in checked
        )
        return always if same else never

    def _equal(self, field: Field, operand: object) -> Node:
        value = self._value(operand)
        if field in _MOMENTS:
            return Equal(field, None if value is None else _moment(value))
        if field in _GLOBBED and isinstance(value, str) and is_glob(value):
            return Glob(field, value)
        return Equal(field, value)

    def _ordered(
        self, field: Field, operator: Literal["<", "<=", ">", ">="], operand: object
    ) -> Node:
        value = self._value(operand)
        if value is None or isinstance(value, bool):
            raise _refused(f"{_shown(operand)} has no order.", "text or a number")
        return Compare(field, operator, _moment(value) if field in _MOMENTS else value)

    def _value(self, value: object) -> Scalar:
        self._values += 1
        if self._values > MAX_VALUES:
            raise TooLarge(f"The filter has more than {MAX_VALUES} values.", hint="Split it.")
        return check_scalar(value)


def check_scalar(value: object) -> Scalar:
    """Return a value that both databases keep exactly. Raises InvalidInput, TooLarge."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _check_text(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise _refused(f"{str(value)[:40]} is not exact in JSON.", "numbers up to 2^53")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(f"{value} is not a number of JSON.", "a finite number")
        return value
    raise _refused(f"{_shown(value)} is not a single value.", "text, a number, true, false, null")


def _check_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TooLarge(f"A text has more than {MAX_TEXT} letters.", hint="Shorten it.")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _refused("A text has a NUL or a broken surrogate.", "well-formed Unicode")
    return text


def _field(name: str) -> Field:
    if name in _COLUMNS:
        return _COLUMNS[name]
    first, *rest = name.split(".")
    if first != "metadata" or not rest:
        known = ", ".join([*_COLUMNS, *_CONSTANTS])
        raise _refused(f"Items have no field {_shown(name)}.", f"{known}, or metadata.user.KEY")
    if len(rest) > _MAX_PATH or not all(map(_usable_key, rest)):
        raise _refused(
            f"{_shown(name)} can't be looked up.",
            f"at most {_MAX_PATH} keys, without quotes, backslashes or control characters",
        )
    _check_text(name)
    return Metadata(tuple(rest))


def _usable_key(key: str) -> bool:
    return bool(key) and not any(letter in '"\\' or letter < " " for letter in key)


def _moment(value: Scalar) -> int:
    """Read an ISO 8601 moment; without a zone it is UTC, as in Dataloop."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _refused(f"{_shown(value)} is not a moment.", "ISO 8601: 2026-01-31T12:00:00.000Z")
    try:
        aware = moment.replace(tzinfo=moment.tzinfo or UTC)
        elapsed = aware - _EPOCH
    except OverflowError:
        raise _refused(f"{_shown(value)} is out of range.", "a year from 1 to 9999") from None
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000


def _shown(value: object) -> str:
    return ascii(value)[:80]


def _refused(problem: str, wanted: str) -> InvalidInput:
    return InvalidInput(problem, hint=f"Use {wanted}.", field="filter")
