"""Datasets, and their syncs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Id,
    MadeBy,
    Name,
    Page,
    Paging,
    ProjectId,
    Shape,
    Updated,
    says,
)
from valetkey.wire.operation import Operation
from valetkey.wire.work import Work

DatasetId = Annotated[str, says("The dataset.", ID)]
Metadata = Annotated[
    dict[str, Any], says("What people wrote about it.", {"user": {"weather": "rain"}})
]


class Dataset(Shape, frozen=True):
    """An index over a location's objects."""

    observed: ClassVar = ("object_count",)

    id: Id
    project_id: ProjectId
    name: Name
    object_count: Annotated[int, says("How many objects it has.", 1042)]
    metadata: Metadata
    creator: MadeBy
    created_at: Created
    updated_at: Updated
    location_id: Annotated[
        str | None, says("The location; absent for one without objects of its own.", ID)
    ] = None


class NewDataset(Body, frozen=True):
    """A dataset to be; a sync fills it."""

    name: Name
    project_id: ProjectId
    location_id: Annotated[
        str | None,
        says("What it is an index over; without, a folder in the project's default location.", ID),
    ] = None
    metadata: Metadata = msgspec.field(default_factory=dict)


class DatasetChange(Change, frozen=True):
    """What to change of a dataset."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "streets")] = msgspec.UNSET
    metadata: Annotated[
        dict[str, Any] | msgspec.UnsetType | None,
        says("Other metadata; null: none.", {"city": "Paris"}),
    ] = msgspec.UNSET


class DatasetsQuery(Paging, frozen=True):
    """Which datasets."""

    project_id: Annotated[str | None, says("Only those of this project.", ID)] = None
    name: Annotated[str | None, says("Only those of this name.", "streets")] = None


class NewSync(Body, frozen=True):
    """How to sync."""

    parallel: Annotated[int, says("In how many passes side by side.", 4, ge=1)] = 1
    engine: Annotated[
        Literal["process", "ray"],
        says("Who does it: the server's own processes, or a Ray cluster that it knows.", "ray"),
    ] = "process"
    engine_address: Annotated[
        str | None,
        says("Which of the clusters that the server knows; absent: the first.", "10.0.0.7:6379"),
    ] = None


class NewClone(Body, frozen=True):
    """Where a dataset's objects are cloned to."""

    target_id: Annotated[str, says("The dataset that gets them.", ID)]
    folder: Annotated[
        str | None,
        says("The folder of it that they go to, with their paths; absent: none.", "copies/"),
    ] = None
    glob: Annotated[
        Annotated[str, msgspec.Meta(max_length=1024)] | None,
        says("Only those whose path, with or without a leading /, fits it.", "/a/**"),
    ] = None
    with_metadata: Annotated[
        bool, says("Whether what people wrote about them goes along.", True)
    ] = True


_ONE: Final = "/v1/datasets/{datasetId}"

LIST_DATASETS: Final = Operation(
    id="listDatasets",
    method="GET",
    path="/v1/datasets",
    tag="datasets",
    summary="List the datasets of a project, or of all that the caller may see.",
    query=DatasetsQuery,
    result=Page[Dataset],
)
CREATE_DATASET: Final = Operation(
    id="createDataset",
    method="POST",
    path="/v1/datasets",
    tag="datasets",
    summary="Make an empty dataset over a location; a sync fills it.",
    body=NewDataset,
    result=Dataset,
    status=201,
    errors=("name_taken",),
    makes=True,
)
GET_DATASET: Final = Operation(
    id="getDataset",
    method="GET",
    path=_ONE,
    tag="datasets",
    summary="Show a dataset.",
    result=Dataset,
)
UPDATE_DATASET: Final = Operation(
    id="updateDataset",
    method="PATCH",
    path=_ONE,
    tag="datasets",
    summary="Rename a dataset, or replace its metadata.",
    body=DatasetChange,
    result=Dataset,
    errors=("name_taken",),
    versioned=True,
)
DELETE_DATASET: Final = Operation(
    id="deleteDataset",
    method="DELETE",
    path=_ONE,
    tag="datasets",
    summary="Delete a dataset and its entries; the bucket is not touched.",
    status=204,
    versioned=True,
)
CREATE_SYNC: Final = Operation(
    id="createSync",
    method="POST",
    path=f"{_ONE}/syncs",
    tag="datasets",
    summary="Start making a dataset true to its bucket.",
    description="It goes on by itself: ask `/v1/operations/{id}` how far it is.",
    body=NewSync,
    result=Work,
    status=202,
    errors=("locked",),
    makes=True,
    needs_body=False,
)
LIST_SYNCS: Final = Operation(
    id="listSyncs",
    method="GET",
    path=f"{_ONE}/syncs",
    tag="datasets",
    summary="List a dataset's latest syncs, newest first.",
    query=Paging,
    result=Page[Work],
)
CREATE_CLONE: Final = Operation(
    id="createClone",
    method="POST",
    path=f"{_ONE}/clones",
    tag="datasets",
    summary="Start cloning a dataset's objects to another one.",
    description="Over one location, and with no folder, both have entries for the same objects; "
    "otherwise objects are copied, and nothing is written over. It goes on by itself: ask "
    "`/v1/operations/{id}` how far it is.",
    body=NewClone,
    result=Work,
    status=202,
    errors=("object_exists", "too_many_requests"),
    makes=True,
)
OPERATIONS: Final = (
    LIST_DATASETS,
    CREATE_DATASET,
    GET_DATASET,
    UPDATE_DATASET,
    DELETE_DATASET,
    CREATE_SYNC,
    LIST_SYNCS,
    CREATE_CLONE,
)
