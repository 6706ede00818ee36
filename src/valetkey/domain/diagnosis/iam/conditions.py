"""A statement's conditions against what is known of a request.

Source: IAM user guide, "IAM JSON policy elements: Condition operators". All operators and all keys
must hold; of a key's values, one (for a negated operator: none). An operator that is not known
here, and a key that is not known of the request, make the answer unknown, never wrong.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from valetkey.domain.diagnosis.iam.globs import Context, matches
from valetkey.domain.diagnosis.iam.truth import Truth, all_of, any_of, truth

_Test = Callable[[str, str, Context], Truth]

_IF_EXISTS: Final = "ifexists"
_FOR_ALL: Final = "forallvalues:"
_FOR_ANY: Final = "foranyvalue:"


def holds(conditions: Mapping[str, Any], context: Context) -> Truth:
    """Tell whether a statement's whole Condition holds."""
    return all_of(
        condition_holds(operator, key, values, context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def condition_holds(operator: str, key: str, wanted: Any, context: Context) -> Truth:
    """Tell whether one condition holds."""
    expected = [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    found = context.get(key.lower())
    name = operator.lower()
    if name == "null":
        if found is None:
            return Truth.UNKNOWN
        return any_of(truth((not found) == (text.lower() == "true")) for text in expected)
    if_exists = name.endswith(_IF_EXISTS)
    name = name.removesuffix(_IF_EXISTS)
    quantifier = next((word for word in (_FOR_ALL, _FOR_ANY) if name.startswith(word)), "")
    name = name.removeprefix(quantifier)
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None or found is None:
        return Truth.UNKNOWN
    if not found:
        # An absent key: a negated operator holds, and so does "for all" of nothing.
        return truth(if_exists or quantifier == _FOR_ALL or (negated and quantifier != _FOR_ANY))
    return _combined(quantifier, negated, [_row(test, value, expected, context) for value in found])


def _row(test: _Test, value: str, expected: Sequence[str], context: Context) -> Truth:
    return any_of(test(value, wanted, context) for wanted in expected)


def _combined(quantifier: str, negated: bool, rows: list[Truth]) -> Truth:
    rows = [row.inverse for row in rows] if negated else rows
    if quantifier == _FOR_ALL or (negated and not quantifier):
        return all_of(rows)
    return any_of(rows)


def _string(value: str, wanted: str, context: Context) -> Truth:
    return matches(wanted, value, context, literal=True)


def _string_ignoring_case(value: str, wanted: str, context: Context) -> Truth:
    return matches(wanted, value, context, literal=True, ignore_case=True)


def _like(value: str, wanted: str, context: Context) -> Truth:
    return matches(wanted, value, context)


def _bool(value: str, wanted: str, context: Context) -> Truth:
    del context
    return truth(value.lower() == wanted.lower())


def _address(value: str, wanted: str, context: Context) -> Truth:
    del context
    try:
        return truth(ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False))
    except ValueError:
        return Truth.UNKNOWN


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _date(compare: Callable[[Any, Any], bool]) -> _Test:
    def test(value: str, wanted: str, context: Context) -> Truth:
        del context
        try:
            return truth(compare(_moment(value), _moment(wanted)))
        except ValueError:
            return Truth.UNKNOWN

    return test


def _number(compare: Callable[[Any, Any], bool]) -> _Test:
    def test(value: str, wanted: str, context: Context) -> Truth:
        del context
        try:
            return truth(compare(float(value), float(wanted)))
        except ValueError:
            return Truth.UNKNOWN

    return test


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": lambda one, other: one == other,
    "lessthan": lambda one, other: one < other,
    "lessthanequals": lambda one, other: one <= other,
    "greaterthan": lambda one, other: one > other,
    "greaterthanequals": lambda one, other: one >= other,
}
_TESTS: Final[Mapping[str, _Test]] = {
    "stringequals": _string,
    "stringequalsignorecase": _string_ignoring_case,
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
    "bool": _bool,
    "ipaddress": _address,
    **{f"date{name}": _date(compare) for name, compare in _COMPARISONS.items()},
    **{f"numeric{name}": _number(compare) for name, compare in _COMPARISONS.items()},
}
_NEGATED: Final[Mapping[str, str]] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "datenotequals": "dateequals",
    "numericnotequals": "numericequals",
}
