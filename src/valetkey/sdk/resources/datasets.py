"""Indexes over locations.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import base, catalog, work


class Datasets(Resource):
    """Indexes over locations."""

    def list(
        self, *, project_id: str | None = None, name: str | None = None
    ) -> Iterator[catalog.Dataset]:
        """List the datasets of a project, or of all that the caller may see.

        - ``project_id``: Only those of this project.
        - ``name``: Only those of this name.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                catalog.LIST_DATASETS, query=catalog.DatasetsQuery(project_id=project_id, name=name)
            )
        )

    def create(
        self,
        *,
        name: str,
        project_id: str,
        location_id: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> catalog.Dataset:
        """Make an empty dataset over a location; a sync fills it.

        - ``name``: Its name, for people.
        - ``project_id``: The project that it belongs to.
        - ``location_id``: What it is an index over; without, a folder in the project's default
          location.
        - ``metadata``: What people wrote about it.

        Raises ApiError.
        """
        return self._client.send(
            call(
                catalog.CREATE_DATASET,
                body=catalog.NewDataset(
                    name=name,
                    project_id=project_id,
                    location_id=location_id,
                    metadata=metadata or {},
                ),
            )
        )

    def get(self, dataset: str, *, project_id: str | None = None) -> catalog.Dataset:
        """Show a dataset, by its name or id.

        - ``dataset``: Its name or id.
        - ``project_id``: Only those of this project.

        Raises ApiError.
        """
        return self._client.run(
            named(
                call(
                    catalog.LIST_DATASETS,
                    query=catalog.DatasetsQuery(name=dataset, project_id=project_id, limit=2),
                ),
                call(catalog.GET_DATASET, {"datasetId": dataset}),
                dataset,
                "dataset",
            )
        )

    def update(
        self,
        dataset_id: str,
        *,
        name: str | UnsetType = UNSET,
        metadata: dict[str, Any] | UnsetType | None = UNSET,
        if_unchanged: catalog.Dataset | None = None,
    ) -> catalog.Dataset:
        """Rename a dataset, or replace its metadata.

        - ``dataset_id``: The dataset's id.
        - ``name``: Another name.
        - ``metadata``: Other metadata; null: none.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        return self._client.run(
            unchanged(
                call(
                    catalog.UPDATE_DATASET,
                    {"datasetId": dataset_id},
                    body=catalog.DatasetChange(name=name, metadata=metadata),
                ),
                catalog.GET_DATASET,
                {"datasetId": dataset_id},
                if_unchanged,
            )
        )

    def delete(self, dataset_id: str, *, if_unchanged: catalog.Dataset | None = None) -> None:
        """Delete a dataset and its entries; the bucket is not touched.

        - ``dataset_id``: The dataset's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        self._client.run(
            unchanged(
                call(catalog.DELETE_DATASET, {"datasetId": dataset_id}),
                catalog.GET_DATASET,
                {"datasetId": dataset_id},
                if_unchanged,
            )
        )

    def create_sync(
        self,
        dataset_id: str,
        *,
        parallel: int = 1,
        engine: Literal["process", "ray"] = "process",
        engine_address: str | None = None,
    ) -> work.Work:
        """Start making a dataset true to its bucket.

        - ``dataset_id``: The dataset's id.
        - ``parallel``: In how many passes side by side.
        - ``engine``: Who does it: the server's own processes, or a Ray cluster that it knows.
        - ``engine_address``: Which of the clusters that the server knows; absent: the first.

        Raises ApiError.
        """
        return self._client.send(
            call(
                catalog.CREATE_SYNC,
                {"datasetId": dataset_id},
                body=catalog.NewSync(
                    parallel=parallel, engine=engine, engine_address=engine_address
                ),
            )
        )

    def list_syncs(self, dataset_id: str) -> Iterator[work.Work]:
        """List a dataset's latest syncs, newest first.

        - ``dataset_id``: The dataset's id.

        Raises ApiError.
        """
        return self._client.walk(
            call(catalog.LIST_SYNCS, {"datasetId": dataset_id}, query=base.Paging())
        )

    def create_clone(
        self,
        dataset_id: str,
        *,
        target_id: str,
        folder: str | None = None,
        glob: str | None = None,
        with_metadata: bool = True,
    ) -> work.Work:
        """Start cloning a dataset's objects to another one.

        - ``dataset_id``: The dataset's id.
        - ``target_id``: The dataset that gets them.
        - ``folder``: The folder of it that they go to, with their paths; absent: none.
        - ``glob``: Only those whose path, with or without a leading /, fits it.
        - ``with_metadata``: Whether what people wrote about them goes along.

        Raises ApiError.
        """
        return self._client.send(
            call(
                catalog.CREATE_CLONE,
                {"datasetId": dataset_id},
                body=catalog.NewClone(
                    target_id=target_id, folder=folder, glob=glob, with_metadata=with_metadata
                ),
            )
        )


class AsyncDatasets(AsyncResource, like=Datasets):
    """Indexes over locations."""

    def list(
        self, *, project_id: str | None = None, name: str | None = None
    ) -> AsyncIterator[catalog.Dataset]:
        """List the datasets of a project, or of all that the caller may see."""
        return self._client.walk(
            call(
                catalog.LIST_DATASETS, query=catalog.DatasetsQuery(project_id=project_id, name=name)
            )
        )

    async def create(
        self,
        *,
        name: str,
        project_id: str,
        location_id: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> catalog.Dataset:
        """Make an empty dataset over a location; a sync fills it."""
        return await self._client.send(
            call(
                catalog.CREATE_DATASET,
                body=catalog.NewDataset(
                    name=name,
                    project_id=project_id,
                    location_id=location_id,
                    metadata=metadata or {},
                ),
            )
        )

    async def get(self, dataset: str, *, project_id: str | None = None) -> catalog.Dataset:
        """Show a dataset, by its name or id."""
        return await self._client.run(
            named(
                call(
                    catalog.LIST_DATASETS,
                    query=catalog.DatasetsQuery(name=dataset, project_id=project_id, limit=2),
                ),
                call(catalog.GET_DATASET, {"datasetId": dataset}),
                dataset,
                "dataset",
            )
        )

    async def update(
        self,
        dataset_id: str,
        *,
        name: str | UnsetType = UNSET,
        metadata: dict[str, Any] | UnsetType | None = UNSET,
        if_unchanged: catalog.Dataset | None = None,
    ) -> catalog.Dataset:
        """Rename a dataset, or replace its metadata."""
        return await self._client.run(
            unchanged(
                call(
                    catalog.UPDATE_DATASET,
                    {"datasetId": dataset_id},
                    body=catalog.DatasetChange(name=name, metadata=metadata),
                ),
                catalog.GET_DATASET,
                {"datasetId": dataset_id},
                if_unchanged,
            )
        )

    async def delete(self, dataset_id: str, *, if_unchanged: catalog.Dataset | None = None) -> None:
        """Delete a dataset and its entries; the bucket is not touched."""
        await self._client.run(
            unchanged(
                call(catalog.DELETE_DATASET, {"datasetId": dataset_id}),
                catalog.GET_DATASET,
                {"datasetId": dataset_id},
                if_unchanged,
            )
        )

    async def create_sync(
        self,
        dataset_id: str,
        *,
        parallel: int = 1,
        engine: Literal["process", "ray"] = "process",
        engine_address: str | None = None,
    ) -> work.Work:
        """Start making a dataset true to its bucket."""
        return await self._client.send(
            call(
                catalog.CREATE_SYNC,
                {"datasetId": dataset_id},
                body=catalog.NewSync(
                    parallel=parallel, engine=engine, engine_address=engine_address
                ),
            )
        )

    def list_syncs(self, dataset_id: str) -> AsyncIterator[work.Work]:
        """List a dataset's latest syncs, newest first."""
        return self._client.walk(
            call(catalog.LIST_SYNCS, {"datasetId": dataset_id}, query=base.Paging())
        )

    async def create_clone(
        self,
        dataset_id: str,
        *,
        target_id: str,
        folder: str | None = None,
        glob: str | None = None,
        with_metadata: bool = True,
    ) -> work.Work:
        """Start cloning a dataset's objects to another one."""
        return await self._client.send(
            call(
                catalog.CREATE_CLONE,
                {"datasetId": dataset_id},
                body=catalog.NewClone(
                    target_id=target_id, folder=folder, glob=glob, with_metadata=with_metadata
                ),
            )
        )
