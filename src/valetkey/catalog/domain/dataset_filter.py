"""Filters of datasets. There are few datasets in a project, so they are matched in memory.

The language is that of items (Dataloop's DQL), over a dataset's own fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql.evaluate import matches
from valetkey.catalog.domain.dql.glob import glob_matches, is_glob, normal_glob
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.domain.errors import InvalidInput


def _moment(moment: datetime) -> str:
    """Return a moment as the API shows it, so that texts are compared as moments are."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_FIELDS: Final[Mapping[str, Callable[[Dataset], str | bool]]] = {
    "id": lambda dataset: dataset.id,
    "name": lambda dataset: dataset.name,
    "creator": lambda dataset: dataset.creator,
    "location": lambda dataset: dataset.location_id,
    "driver": lambda dataset: dataset.location_id,
    "createdAt": lambda dataset: _moment(dataset.created_at),
    "updatedAt": lambda dataset: _moment(dataset.updated_at),
    "readonly": lambda _: False,
    "annotated": lambda _: False,
}
_MAX_DEPTH: Final = 10
_ORDERINGS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "$gt": lambda left, right: left > right,
    "$gte": lambda left, right: left >= right,
    "$lt": lambda left, right: left < right,
    "$lte": lambda left, right: left <= right,
}


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
    if name.startswith("metadata."):
        return matches(parse_filter({name: value}), {}, dataset.metadata)
    if name not in _FIELDS:
        raise _refused(f"Datasets have no field {ascii(name)[:40]}")
    actual = _FIELDS[name](dataset)
    if isinstance(value, Mapping):
        compared = [_compare(actual, str(op), operand) for op, operand in value.items()]
        return all(compared)
    return _compare(actual, "$in" if isinstance(value, list) else "$eq", value)


def _compare(actual: str | bool, operator: str, operand: object) -> bool:
    if operator in {"$eq", "$ne"}:
        return _same(actual, operand) is (operator == "$eq")
    if operator in {"$in", "$nin"} and isinstance(operand, list):
        return any(_same(actual, one) for one in operand) is (operator == "$in")
    if operator in _ORDERINGS and isinstance(operand, str) and isinstance(actual, str):
        return _ORDERINGS[operator](actual, operand)
    if operator == "$match" and isinstance(operand, str) and isinstance(actual, str):
        return operand in actual
    raise _refused(f"The operator {ascii(operator)[:20]} does not fit its value")


def _same(actual: str | bool, wanted: object) -> bool:
    """Compare; a text with ``*`` is a pattern, as in the names of items."""
    if isinstance(actual, str) and isinstance(wanted, str) and is_glob(wanted):
        return actual == wanted or glob_matches(normal_glob(wanted, crossing=True), actual)
    return actual == wanted


def _refused(problem: str) -> InvalidInput:
    fields = ", ".join([*_FIELDS, "metadata.KEY"])
    return InvalidInput(
        f"{problem}.",
        hint=f"Use {fields} with $eq, $ne, $in, $nin, $match, and $and, $or.",
        field="filter",
    )
