"""Datasets and commands, in the shapes of Dataloop's SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant, moment
from valetkey.catalog.domain.dataset import Dataset
from valetkey.domain.errors import InvalidInput

_Page = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_PageSize = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class DatasetIn(Tolerant, frozen=True):
    """A new dataset over a driver (``driver``, or ``driverId``) of its project (``projects`` holds
    one id). Without a driver it gets a folder of its own in the project's default one."""

    name: str
    projects: list[str] = msgspec.field(default_factory=list)
    driver: str | None = None
    location_id: str | None = None

    @property
    def project(self) -> str:
        """The project's id. Raises InvalidInput for none and for several."""
        if len(self.projects) != 1:
            raise InvalidInput(
                f"A dataset is of one project, and {len(self.projects)} were given.",
                hint='Send {"projects": ["ID"]}.',
                field="projects",
            )
        return self.projects[0]

    @property
    def driver_named(self) -> str:
        """The driver's id; empty for the project's default one."""
        return self.driver or self.location_id or ""


class DatasetPatchIn(Tolerant, frozen=True):
    """What to change of a dataset. Dataloop's SDK sends the whole of it; the rest is let be."""

    name: str | None = None
    metadata: dict[str, Any] | None = None


class ContextIn(Tolerant, frozen=True):
    """Which projects are meant, and which datasets of them; none of them is all."""

    projects: list[str] = msgspec.field(default_factory=list)
    datasets: list[str] = msgspec.field(default_factory=list)


class DatasetQueryIn(Tolerant, frozen=True):
    """A filter over datasets. Hidden ones are listed with ``systemSpace``."""

    filter: dict[str, Any] = msgspec.field(default_factory=dict)
    page: _Page = 0
    page_size: _PageSize = 1000
    context: ContextIn | None = None
    system_space: bool | None = None

    @property
    def projects(self) -> list[str]:
        """The projects that are meant; none means all that the caller may see."""
        return self.context.projects if self.context else []

    def means(self, dataset_id: str) -> bool:
        """Tell whether a dataset is among those that are meant."""
        named = self.context.datasets if self.context else []
        return not named or dataset_id in named


class DatasetOut(Out, frozen=True):
    """A dataset. ``driver`` is the driver's id, or null for a hidden one; ``itemsCount`` is the
    number of its files."""

    id: str
    name: str
    creator: str
    projects: list[str]
    driver: str | None
    metadata: dict[str, Any]
    items_count: int
    created_at: str
    updated_at: str
    url: str
    items: str
    is_syncing: bool = False
    readonly: bool = False
    annotated: bool = False
    annotations_count: int = 0
    access_level: str = "private"
    readable_type: str = "Dataset"
    updated_by: str | None = None
    directory_tree: str | None = None
    index_driver: str | None = None

    @classmethod
    def of(cls, dataset: Dataset, count: int, base: str, *, syncing: bool = False) -> DatasetOut:
        """Return a dataset's shape; ``base`` is the API's own address."""
        url = f"{base}/datasets/{dataset.id}"
        return cls(
            id=dataset.id,
            name=dataset.name,
            creator=dataset.creator,
            projects=[dataset.project_id],
            driver=dataset.location_id or None,
            metadata=_metadata(dataset.metadata),
            items_count=count,
            created_at=moment(dataset.created_at),
            updated_at=moment(dataset.updated_at),
            url=url,
            items=f"{url}/items",
            is_syncing=syncing,
            directory_tree=f"{url}/directoryTree",
        )


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dataset's metadata; ``recipes`` are Dataloop's, which has annotations."""
    system = metadata.get("system")
    written = system if isinstance(system, dict) else {}
    return {**metadata, "system": {"recipes": [], **written}}


class DatasetsPageOut(Out, frozen=True):
    """A page of datasets."""

    items: list[DatasetOut]
    has_next_page: bool
    total_items_count: int
    total_pages_count: int
