"""Filters of datasets. There are few datasets in a project, so they are matched in memory.

The language is that of items (Dataloop's DQL), over a dataset's own fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.domain.errors import InvalidInput

_FIELDS: Final[Mapping[str, Callable[[Dataset], str | bool]]] = {
    "id": lambda dataset: dataset.id,
    "name": lambda dataset: dataset.name,
    "creator": lambda dataset: dataset.creator,
    "location": lambda dataset: dataset.location_id,
    "readonly": lambda _: False,
}
_MAX_DEPTH: Final = 10


def fits(dataset: Dataset, where: Mapping[str, Any], depth: int = 0) -> bool:
    """Tell whether a filter fits a dataset. Raises InvalidInput for what has no meaning."""
    if depth > _MAX_DEPTH:
        raise _refused(f"The filter is nested deeper than {_MAX_DEPTH}")
    # All parts are looked at, so that a wrong one is refused whatever the others say.
    results = [_part(dataset, str(name), value, depth) for name, value in where.items()]
    return all(results)


def _part(dataset: Dataset, name: str, value: object, depth: int) -> bool:
    if name in {"$and", "$or"}:
        if not isinstance(value, list) or not all(isinstance(part, Mapping) for part in value):
            raise _refused(f"{name} holds no list of conditions")
        results = [fits(dataset, part, depth + 1) for part in value]
        return all(results) if name == "$and" else any(results)
    if name not in _FIELDS:
        raise _refused(f"Datasets have no field {ascii(name)[:40]}")
    actual = _FIELDS[name](dataset)
    if isinstance(value, Mapping):
        compared = [_compare(actual, str(op), operand) for op, operand in value.items()]
        return all(compared)
    return _compare(actual, "$in" if isinstance(value, list) else "$eq", value)


def _compare(actual: str | bool, operator: str, operand: object) -> bool:
    if operator == "$eq":
        return actual == operand
    if operator == "$ne":
        return actual != operand
    if operator in {"$in", "$nin"} and isinstance(operand, list):
        return (actual in operand) is (operator == "$in")
    if operator == "$match" and isinstance(operand, str) and isinstance(actual, str):
        return operand in actual
    raise _refused(f"The operator {ascii(operator)[:20]} does not fit its value")


def _refused(problem: str) -> InvalidInput:
    fields = ", ".join(_FIELDS)
    return InvalidInput(
        f"{problem}.",
        hint=f"Use {fields} with $eq, $ne, $in, $nin, $match, and $and, $or.",
        field="filter",
    )
