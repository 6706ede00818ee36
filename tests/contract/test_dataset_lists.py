"""Lists of datasets, on every storage."""

from __future__ import annotations

from support.dataset_rows import add_dataset, furnish
from valetkey.catalog.domain.ports import CatalogStorage


async def test_the_datasets_of_many_projects_come_by_name_with_their_counts(
    storage: CatalogStorage,
) -> None:
    await furnish(storage)
    second = await add_dataset(storage, 2, name="b")
    first = await add_dataset(storage, 1, name="a")
    nobody = [f"{number:024x}" for number in range(2_500)]
    async with storage.read() as work:
        found = await work.datasets.of_projects([*nobody, first.project_id])
        assert [(dataset.id, count) for dataset, count in found] == [(first.id, 0), (second.id, 0)]
        assert await work.datasets.of_projects(nobody) == []
        assert await work.datasets.of_projects([]) == []
