"""JSON -> the tree of a filter, or a refusal that says what is wrong and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    FilterNode,
    Glob,
    Not,
    Scalar,
)
from valetkey.catalog.domain.dql.fields import (
    CONSTANTS,
    GLOBBED,
    MOMENTS,
    PATHS,
    parse_field,
)
from valetkey.catalog.domain.dql.glob import Wild, is_glob, normal_glob, pieces
from valetkey.catalog.domain.dql.values import (
    check_scalar,
    moment_ms,
    moments_beginning,
    number_in,
    refused,
    shown,
)
from valetkey.catalog.domain.filenames import unescape
from valetkey.domain.errors import TooLarge

MAX_DEPTH: Final = 20
MAX_CONDITIONS: Final = 200
MAX_VALUES: Final = 5000
#: Globs cost a database time for every item that it looks at.
MAX_GLOBS: Final = 100
MAX_GLOB_LETTERS: Final = 8192
#: Globs that have wildcards of both kinds cost most.
MAX_MIXED_GLOBS: Final = 16
_ORDERINGS: Final[Mapping[str, Literal["<", "<=", ">", ">="]]] = {
    "$lt": "<",
    "$lte": "<=",
    "$gt": ">",
    "$gte": ">=",
}


def parse_filter(document: object) -> FilterNode:
    """Read a filter: an object of fields and operators. Raises InvalidInput, TooLarge."""
    return _Parser().node(document, 0)


#: An item without a description has an empty one.
_UNDESCRIBED: Final = Equal(Column.DESCRIPTION, "")


class _Parser:
    """Counts as it goes, so that no filter is too big for the database."""

    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0
        self._globs = 0
        self._glob_letters = 0
        self._mixed_globs = 0

    def node(self, document: object, depth: int) -> FilterNode:
        if depth > MAX_DEPTH:
            raise TooLarge(f"The filter is nested deeper than {MAX_DEPTH}.", hint="Flatten it.")
        if not isinstance(document, Mapping):
            raise refused(f"{shown(document)} is not a condition.", "an object, {field: value}")
        parts = [self._part(str(name), value, depth) for name, value in document.items()]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self, name: str, value: object, depth: int) -> FilterNode:
        if name in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise refused(f"{name} holds {shown(value)}.", "a list of conditions")
            parts = tuple(self.node(part, depth + 1) for part in value)
            return All(parts) if name == "$and" else Either(parts)
        if name.startswith("$"):
            raise refused(f"There is no operator {shown(name)} here.", "$and, $or, or a field")
        return self._field(name, value)

    def _field(self, name: str, value: object) -> FilterNode:
        if isinstance(value, Mapping):
            if not value:
                raise refused(f"{shown(name)} is compared with nothing.", "an operator")
            parts = [self._operator(name, str(op), operand) for op, operand in value.items()]
            return parts[0] if len(parts) == 1 else All(tuple(parts))
        return self._operator(name, "$in" if isinstance(value, list) else "$eq", value)

    def _operator(self, name: str, operator: str, operand: object) -> FilterNode:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise TooLarge(f"The filter has more than {MAX_CONDITIONS} conditions.", hint="Split.")
        if operator in ("$ne", "$nin"):
            positive = "$eq" if operator == "$ne" else "$in"
            return Not(self._test(name, positive, operand))
        return self._test(name, operator, operand)

    def _test(self, name: str, operator: str, operand: object) -> FilterNode:
        if name in CONSTANTS:
            return self._constant(name, operator, operand)
        field = parse_field(name)
        if operator == "$eq":
            return self._equal(field, operand)
        if operator == "$in":
            if not isinstance(operand, list):
                raise refused(f"$in holds {shown(operand)}.", "a list of values")
            return Either(tuple(self._equal(field, value) for value in operand))
        if operator in _ORDERINGS:
            return self._ordered(field, _ORDERINGS[operator], operand)
        if operator == "$exists":
            return _exists(field, operand)
        if operator == "$match":
            text = self._value(operand)
            if not isinstance(text, str):
                raise refused(f"$match holds {shown(operand)}.", "text to look for")
            return Contains(field, text)
        known = "$eq $ne $in $nin $gt $gte $lt $lte $exists $match"
        raise refused(f"There is no operator {shown(operator)}.", f"one of {known}")

    def _constant(self, name: str, operator: str, operand: object) -> FilterNode:
        """Answer at once for a field that is the same for all: items are not hidden."""
        value, always, never = CONSTANTS[name], All(()), Either(())
        if operator == "$exists" and isinstance(operand, bool):
            return always if operand else never
        wanted = operand if operator == "$in" and isinstance(operand, list) else [operand]
        if operator not in ("$eq", "$in"):
            raise refused(f"{name} is compared with {shown(operator)}.", "$eq, $ne, $in or $nin")
        checked = [self._value(one) for one in wanted]
        same = any(
            one == value and isinstance(one, bool) == isinstance(value, bool) for one in checked
        )
        return always if same else never

    def _equal(self, field: Field, operand: object) -> FilterNode:
        value = self._value(operand)
        if field in PATHS | {Column.NAME} and isinstance(value, str):
            # Names are compared as keys have them.
            value = unescape(_folder(value) if field is Column.DIR else value)
        if field in MOMENTS:
            return _at_moment(field, value)
        if field is Column.DESCRIPTION and value is None:
            return _UNDESCRIBED
        if field in GLOBBED and isinstance(value, str) and is_glob(value):
            return self._glob(field, value)
        return Equal(field, _fitting(field, value))

    def _glob(self, field: Field, text: str) -> FilterNode:
        """Read a pattern. One that does not begin with ``/`` is no path: its wildcards stand for
        ``/`` too."""
        pattern = normal_glob(text, crossing=field not in PATHS or not text.startswith("/"))
        self._globs += 1
        self._glob_letters += len(pattern)
        self._mixed_globs += {Wild.ANY, Wild.FOLDERS} & set(pieces(pattern)) != set() and (
            Wild.SEGMENT in pieces(pattern)
        )
        if (
            self._globs > MAX_GLOBS
            or self._glob_letters > MAX_GLOB_LETTERS
            or self._mixed_globs > MAX_MIXED_GLOBS
        ):
            raise TooLarge(
                f"The filter has more than {MAX_GLOBS} patterns, {MAX_GLOB_LETTERS} letters in "
                f"them, or {MAX_MIXED_GLOBS} with both * and **.",
                hint="Split it.",
            )
        if field is not Column.DIR:
            return Glob(field, pattern, text)
        pattern = _folder(pattern)
        if not pattern.endswith("/**"):
            return Glob(field, pattern)
        # A folder is among those in it and below.
        above = pattern.removesuffix("/**") or "/"
        itself = Glob(field, above) if is_glob(above) else Equal(field, above)
        return Either((itself, Glob(field, pattern)))

    def _ordered(
        self, field: Field, operator: Literal["<", "<=", ">", ">="], operand: object
    ) -> FilterNode:
        value = _fitting(field, self._value(operand))
        if value is None or isinstance(value, bool):
            raise refused(f"{shown(operand)} has no order.", "text or a number")
        return Compare(field, operator, moment_ms(value) if field in MOMENTS else value)

    def _value(self, value: object) -> Scalar:
        self._values += 1
        if self._values > MAX_VALUES:
            raise TooLarge(f"The filter has more than {MAX_VALUES} values.", hint="Split it.")
        return check_scalar(value)


def _exists(field: Field, operand: object) -> FilterNode:
    if not isinstance(operand, bool):
        raise refused(f"$exists holds {shown(operand)}.", "true or false")
    there = Not(_UNDESCRIBED) if field is Column.DESCRIPTION else Exists(field)
    return there if operand else Not(there)


def _at_moment(field: Field, value: Scalar) -> FilterNode:
    if value is None:
        return Equal(field, None)
    if isinstance(value, str) and is_glob(value):
        first, after = moments_beginning(value)
        return All((Compare(field, ">=", first), Compare(field, "<", after)))
    return Equal(field, moment_ms(value))


def _fitting(field: Field, value: Scalar) -> Scalar:
    """Return a value as a field has it: Dataloop's users give sizes as text too."""
    if field is Column.SIZE and isinstance(value, str):
        number = number_in(value)
        return value if number is None else number
    return value


def _folder(text: str) -> str:
    """Return a folder as items name theirs: without its last ``/``."""
    return text.rstrip("/") or "/" if text.endswith("/") else text
