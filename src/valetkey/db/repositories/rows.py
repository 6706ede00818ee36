"""Rows and dataclasses: fields and columns have the same names, so one function goes each way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, Table, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.domain.changes import Dataclass
from valetkey.domain.errors import VersionMismatch
from valetkey.domain.scope import AccessLevel
from valetkey.domain.sealing import SealedSecret

T = TypeVar("T")


def to_row(thing: Dataclass) -> dict[str, Any]:
    """Return a dataclass's fields as a row; enumerations become their values."""
    row = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: value.value if isinstance(value, Enum) else value for name, value in row.items()}


def from_row(kind: type[T], row: Row[Any], /, **parsed: Any) -> T:
    """Build a dataclass from a row; ``parsed`` replaces the columns that are more than text."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]  # kinds are dataclasses
    return kind(**{name: values[name] for name in names if name in values} | parsed)


def levels_text(levels: Iterable[AccessLevel]) -> str:
    """Return access levels as a column has them."""
    return ",".join(sorted(levels))


def levels_of(text: str) -> frozenset[AccessLevel]:
    """Return the access levels of a column."""
    return frozenset(map(AccessLevel, text.split(",")))


def sealed_row(sealed: SealedSecret) -> dict[str, Any]:
    """Return the columns of a sealed secret."""
    return to_row(sealed)


class Repository:
    """What every repository does with its transaction's connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _one(self, query: Executable) -> Row[Any] | None:
        return (await self._connection.execute(query)).first()

    async def _all(self, query: Executable) -> Sequence[Row[Any]]:
        return (await self._connection.execute(query)).all()

    async def _change(self, statement: Executable) -> bool:
        """Execute; tell whether a row was touched."""
        return (await self._connection.execute(statement)).rowcount > 0

    async def _insert(self, table: Table, row: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(table).values(**row))

    async def _insert_all(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        if batch := [dict(row) for row in rows]:
            await self._connection.execute(insert(table), batch)

    async def _save(self, table: Table, row: Mapping[str, Any]) -> int:
        """Replace a row by its newer self, if its version is still the stored one; return the new
        version. Raises VersionMismatch."""
        match = (table.c.id == row["id"], table.c.version == row["version"])
        following = int(row["version"]) + 1
        statement = update(table).where(*match).values(**{**row, "version": following})
        if not await self._change(statement):
            raise VersionMismatch(
                "It was changed, or deleted, by somebody else meanwhile.",
                hint="Read it again, and decide on what it is now.",
            )
        return following

    async def _put(self, table: Table, key: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Update the row with this key, or insert it."""
        match = [table.c[name] == value for name, value in key.items()]
        if not await self._change(update(table).where(*match).values(**row)):
            await self._insert(table, {**key, **row})
