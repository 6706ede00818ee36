"""Datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.dataset import Dataset
from valetkey.db.errors import conflict
from valetkey.db.repositories.rows import Repository, from_row, to_row
from valetkey.domain.batches import batched

_TABLE = t.datasets
_LIVE = _TABLE.c.deleted_at.is_(None)
#: So many projects are named in one statement.
_AT_ONCE = 1000


class SqlDatasets(Repository):
    """Implements ports.DatasetRepository."""

    async def add(self, dataset: Dataset) -> Dataset:
        with conflict(f"There is a dataset {dataset.name!r} already."):
            statement = insert(_TABLE).values(**_row(dataset)).returning(_TABLE.c.number)
            number = (await self._connection.execute(statement)).scalar_one()
        return replace(dataset, number=number)

    async def get(self, dataset_id: str) -> Dataset | None:
        row = await self._one(select(_TABLE).where(_TABLE.c.id == dataset_id, _LIVE))
        return _dataset(row) if row else None

    async def of_project(self, project_id: str) -> Sequence[Dataset]:
        return await self._where(_TABLE.c.project_id == project_id, _LIVE)

    async def of_projects(self, project_ids: Sequence[str]) -> Sequence[tuple[Dataset, int]]:
        found = []
        for some in batched(project_ids, _AT_ONCE):
            meant = _TABLE.c.project_id.in_(some)
            rows = await self._all(select(_TABLE).where(meant, _LIVE))
            found += [(_dataset(row), int(row.item_count)) for row in rows]
        return sorted(found, key=lambda each: (each[0].name, each[0].id))

    async def of_location(self, location_id: str) -> Sequence[Dataset]:
        return await self._where(_TABLE.c.location_id == location_id, _LIVE)

    async def save(self, dataset: Dataset) -> None:
        match = _TABLE.c.id == dataset.id
        with conflict(f"There is a dataset {dataset.name!r} already."):
            await self._change(update(_TABLE).where(match).values(**_row(dataset)))

    async def deleted(self) -> Sequence[Dataset]:
        return await self._where(_TABLE.c.deleted_at.is_not(None))

    async def delete(self, dataset_id: str) -> None:
        await self._change(delete(_TABLE).where(_TABLE.c.id == dataset_id))

    async def item_count(self, dataset: Dataset) -> int:
        query = select(_TABLE.c.item_count).where(_TABLE.c.number == dataset.number)
        return int((await self._connection.execute(query)).scalar() or 0)

    async def _where(self, *conditions: ColumnElement[bool]) -> Sequence[Dataset]:
        query = select(_TABLE).where(*conditions).order_by(_TABLE.c.name, _TABLE.c.id)
        return [_dataset(row) for row in await self._all(query)]


def _row(dataset: Dataset) -> dict[str, Any]:
    row = to_row(dataset)
    del row["number"]
    return row | {"location_id": dataset.location_id or None, "metadata": dict(dataset.metadata)}


def _dataset(row: Row[Any]) -> Dataset:
    return from_row(Dataset, row, location_id=row.location_id or "")
