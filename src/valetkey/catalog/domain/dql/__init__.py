"""The filter language of item queries (Dataloop's DQL): JSON -> a small tree -> its meaning.

:func:`parse_filter` refuses what has no meaning, with a reason; :func:`matches` is the meaning in
memory, which the database's translation must agree with.
"""

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
    MetadataValue,
    Not,
    Scalar,
    SortOrder,
)
from valetkey.catalog.domain.dql.evaluate import matches
from valetkey.catalog.domain.dql.fields import parse_sort
from valetkey.catalog.domain.dql.parse import parse_filter

__all__ = [
    "All",
    "Column",
    "Compare",
    "Contains",
    "Either",
    "Equal",
    "Exists",
    "Field",
    "FilterNode",
    "Glob",
    "MetadataValue",
    "Not",
    "Scalar",
    "SortOrder",
    "matches",
    "parse_filter",
    "parse_sort",
]
