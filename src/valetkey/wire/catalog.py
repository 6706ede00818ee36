"""Datasets, the objects in them, and their syncs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Creator,
    Id,
    Moment,
    Name,
    Nothing,
    Page,
    Paging,
    ProjectId,
    Query,
    Shape,
    Updated,
    moment_meta,
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
    creator: Creator
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


class Object(Shape, frozen=True):
    """An entry of a dataset: an object, or a folder that somebody made."""

    id: Id
    dataset_id: DatasetId
    path: Annotated[
        str, says('Its key below the location\'s folder; a folder ends in "/".', "a/cat.jpg")
    ]
    size: Annotated[int, says("Bytes.", 51234)]
    metadata: Metadata
    creator: Creator
    created_at: Created
    updated_at: Updated
    etag: Annotated[
        str | None, says("The object's ETag at the store.", "9b2cf535f27731c974343645a3985328")
    ] = None
    media_type: Annotated[str | None, says("The kind of its content.", "image/jpeg")] = None
    modified_at: Annotated[Moment | None, moment_meta("When the object was last written.")] = None
    description: Annotated[str | None, says("What somebody wrote about it.", "a cat")] = None
    storage_class: Annotated[
        str | None,
        says("The object's storage class at the store; GLACIER must be restored first.", "GLACIER"),
    ] = None


class NewRestore(Body, frozen=True):
    """For how long an archived object is wanted back."""

    days: Annotated[
        int, says("For how many days it can be read once it is restored.", 7, ge=1, le=365)
    ] = 7


class Restoring(Shape, frozen=True):
    """How far an archived object's restoring is."""

    object_id: Annotated[str, says("The entry.", ID)]
    state: Annotated[
        Literal["restoring", "restored"], says("Whether it can be read yet.", "restoring")
    ]
    readable_until: Annotated[
        Moment | None, moment_meta("Until when it can be read, once it is restored.")
    ] = None


class ObjectChange(Change, frozen=True):
    """What to change of an entry; the object is not touched."""

    metadata: Annotated[
        dict[str, Any] | msgspec.UnsetType,
        says("Merged into its metadata; a null takes a key away.", {"user": {"weather": None}}),
    ] = msgspec.UNSET
    description: Annotated[
        str | msgspec.UnsetType | None, says("Another description; null: none.", "two cats")
    ] = msgspec.UNSET


class ExportedQuery(Query, frozen=True):
    """Which entries to write out."""

    glob: Annotated[
        Annotated[str, msgspec.Meta(max_length=1024)] | None,
        says("Only those whose path, with a leading /, fits it.", "/a/**"),
    ] = None


class ObjectsQuery(Paging, frozen=True):
    """Which entries."""

    kind: Annotated[
        Literal["file", "dir"] | None, says("Only objects, or only folders.", "file")
    ] = None
    glob: Annotated[
        Annotated[str, msgspec.Meta(max_length=1024)] | None,
        says("Only those whose path, with a leading /, fits it.", "/a/**"),
    ] = None


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


_ONE: Final = "/v1/datasets/{datasetId}"
_OBJECT: Final = "/v1/objects/{objectId}"

LIST_DATASETS: Final = Operation(
    id="listDatasets",
    method="GET",
    path="/v1/datasets",
    tag="datasets",
    summary="List the datasets of a project, or of all that the caller may see.",
    query=DatasetsQuery,
    body=Nothing,
    result=Page[Dataset],
)
CREATE_DATASET: Final = Operation(
    id="createDataset",
    method="POST",
    path="/v1/datasets",
    tag="datasets",
    summary="Make an empty dataset over a location; a sync fills it.",
    query=Nothing,
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
    query=Nothing,
    body=Nothing,
    result=Dataset,
)
UPDATE_DATASET: Final = Operation(
    id="updateDataset",
    method="PATCH",
    path=_ONE,
    tag="datasets",
    summary="Rename a dataset, or replace its metadata.",
    query=Nothing,
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
    query=Nothing,
    body=Nothing,
    result=Nothing,
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
    query=Nothing,
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
    body=Nothing,
    result=Page[Work],
)
LIST_OBJECTS: Final = Operation(
    id="listObjects",
    method="GET",
    path=f"{_ONE}/objects",
    tag="objects",
    summary="List a dataset's entries by path.",
    query=ObjectsQuery,
    body=Nothing,
    result=Page[Object],
    errors=("took_too_long",),
)
EXPORT_OBJECTS: Final = Operation(
    id="exportObjects",
    method="GET",
    path=f"{_ONE}/objects/export",
    tag="objects",
    summary="Stream a dataset's objects by path, a JSON object a line, however many they are.",
    query=ExportedQuery,
    body=Nothing,
    result=Nothing,
    lines=Object,
)
GET_OBJECT: Final = Operation(
    id="getObject",
    method="GET",
    path=_OBJECT,
    tag="objects",
    summary="Show an entry of a dataset.",
    query=Nothing,
    body=Nothing,
    result=Object,
)
UPDATE_OBJECT: Final = Operation(
    id="updateObject",
    method="PATCH",
    path=_OBJECT,
    tag="objects",
    summary="Change an entry's metadata or description.",
    query=Nothing,
    body=ObjectChange,
    result=Object,
    errors=("object_exists", "locked", "changed_meanwhile"),
    versioned=True,
)
DELETE_OBJECT: Final = Operation(
    id="deleteObject",
    method="DELETE",
    path=_OBJECT,
    tag="objects",
    summary="Delete an entry; its object goes too only if the location allows it.",
    query=Nothing,
    body=Nothing,
    result=Nothing,
    status=204,
    errors=(
        "locked",
        "changed_meanwhile",
        "aws_refused",
        "aws_unavailable",
        "integration_disabled",
    ),
    versioned=True,
)
RESTORE_OBJECT: Final = Operation(
    id="restoreObject",
    method="POST",
    path=f"{_OBJECT}/restores",
    tag="objects",
    summary="Ask for an archived object to be readable for some days.",
    description="That takes hours, and costs money at the store. The location's role needs "
    "`s3:RestoreObject`. Asking again tells how far it is.",
    query=Nothing,
    body=NewRestore,
    result=Restoring,
    status=202,
    errors=("not_archived", "aws_refused", "aws_unavailable", "integration_disabled"),
    needs_body=False,
)
OPERATIONS: Final = (
    LIST_DATASETS,
    CREATE_DATASET,
    GET_DATASET,
    UPDATE_DATASET,
    DELETE_DATASET,
    CREATE_SYNC,
    LIST_SYNCS,
    LIST_OBJECTS,
    EXPORT_OBJECTS,
    GET_OBJECT,
    UPDATE_OBJECT,
    DELETE_OBJECT,
    RESTORE_OBJECT,
)
