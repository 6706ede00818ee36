"""What the contract tests of the catalog's repositories begin with."""

from __future__ import annotations

import pytest

from support.dataset_rows import add_dataset, furnish
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage


@pytest.fixture
async def dataset(storage: CatalogStorage) -> Dataset:
    """An empty dataset."""
    await furnish(storage)
    return await add_dataset(storage)
