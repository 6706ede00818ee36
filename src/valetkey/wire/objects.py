"""The entries of datasets, and the folders that they are in."""

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
    Moment,
    Page,
    Paging,
    Query,
    Shape,
    Updated,
    moment_meta,
    says,
)
from valetkey.wire.catalog import DatasetId, Metadata
from valetkey.wire.operation import Operation

Glob = Annotated[
    Annotated[str, msgspec.Meta(max_length=1024)] | None,
    says("Only those whose path, with or without a leading /, fits it.", "/a/**"),
]


class Object(Shape, frozen=True):
    """An entry of a dataset: an object, or a folder that somebody made."""

    handle: ClassVar = ("id",)

    id: Id
    dataset_id: DatasetId
    path: Annotated[
        str, says('Its key below the location\'s folder; a folder ends in "/".', "a/cat.jpg")
    ]
    size: Annotated[int, says("Bytes.", 51234)]
    metadata: Metadata
    creator: MadeBy
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
    """What to change of an entry. A new path moves its object; nothing else touches that."""

    path: Annotated[
        str | msgspec.UnsetType,
        says("Another path: the object is copied there and deleted here.", "b/cat.jpg"),
    ] = msgspec.UNSET

    metadata: Annotated[
        dict[str, Any] | msgspec.UnsetType,
        says("Merged into its metadata; a null takes a key away.", {"user": {"weather": None}}),
    ] = msgspec.UNSET
    description: Annotated[
        str | msgspec.UnsetType | None, says("Another description; null: none.", "two cats")
    ] = msgspec.UNSET


class ExportedQuery(Query, frozen=True):
    """Which entries to write out."""

    glob: Glob = None


class ObjectsQuery(Paging, frozen=True):
    """Which entries."""

    path: Annotated[str | None, says("Only the one of just this path.", "a/cat.jpg")] = None

    kind: Annotated[
        Literal["file", "dir"] | None, says("Only objects, or only folders.", "file")
    ] = None
    glob: Glob = None


class FoldersQuery(Paging, frozen=True):
    """Which folders."""

    within: Annotated[
        str | None, says("Only those in this folder, however deep; not itself.", "a/")
    ] = None


class Folder(Shape, frozen=True):
    """A folder of a dataset: somebody made it, or it merely holds objects."""

    dataset_id: DatasetId
    path: Annotated[str, says('Its path below the location\'s folder; ends in "/".', "a/b/")]


class NewFolder(Body, frozen=True):
    """A folder to be, in the index alone."""

    path: Annotated[str, says('Its path; it need not end in "/".', "a/b/")]


IN_DATASET: Final = "/v1/datasets/{datasetId}"
ONE_OBJECT: Final = "/v1/objects/{objectId}"
#: What may be in the way of a move, and of anything that is done at a store.
MOVING: Final = ("deletes_not_allowed", "object_exists", "archived", "locked", "changed_meanwhile")
AT_STORE: Final = (
    "aws_refused",
    "aws_unavailable",
    "integration_disabled",
    "role_missing",
    "being_revoked",
    "audit_unavailable",
    "seal_broken",
)
LIST_OBJECTS: Final = Operation(
    id="listObjects",
    method="GET",
    path=f"{IN_DATASET}/objects",
    tag="objects",
    summary="List a dataset's entries by path.",
    query=ObjectsQuery,
    result=Page[Object],
    errors=("took_too_long", "too_large"),
)
EXPORT_OBJECTS: Final = Operation(
    id="exportObjects",
    method="GET",
    path=f"{IN_DATASET}/objects/export",
    tag="objects",
    summary="Stream a dataset's objects by path, a JSON object a line, however many they are.",
    query=ExportedQuery,
    lines=Object,
)
GET_OBJECT: Final = Operation(
    id="getObject",
    method="GET",
    path=ONE_OBJECT,
    tag="objects",
    summary="Show an entry of a dataset.",
    result=Object,
)
UPDATE_OBJECT: Final = Operation(
    id="updateObject",
    method="PATCH",
    path=ONE_OBJECT,
    tag="objects",
    summary="Change an entry's metadata or description, or move its object.",
    body=ObjectChange,
    result=Object,
    errors=(*MOVING, *AT_STORE),
    versioned=True,
)
DELETE_OBJECT: Final = Operation(
    id="deleteObject",
    method="DELETE",
    path=ONE_OBJECT,
    tag="objects",
    summary="Delete an entry; its object goes too only if the location allows it.",
    status=204,
    errors=("locked", "changed_meanwhile", *AT_STORE),
    versioned=True,
)
RESTORE_OBJECT: Final = Operation(
    id="restoreObject",
    method="POST",
    path=f"{ONE_OBJECT}/restores",
    tag="objects",
    summary="Ask for an archived object to be readable for some days.",
    description="That takes hours, and costs money at the store. The location's role needs "
    "`s3:RestoreObject`. Asking again tells how far it is.",
    body=NewRestore,
    result=Restoring,
    status=202,
    errors=("not_archived", *AT_STORE),
    needs_body=False,
)
LIST_FOLDERS: Final = Operation(
    id="listFolders",
    method="GET",
    path=f"{IN_DATASET}/folders",
    tag="objects",
    summary="List a dataset's folders by path: made ones, and those that merely hold objects.",
    query=FoldersQuery,
    result=Page[Folder],
    errors=("took_too_long", "too_large"),
)
CREATE_FOLDER: Final = Operation(
    id="createFolder",
    method="POST",
    path=f"{IN_DATASET}/folders",
    tag="objects",
    summary="Make a folder, in the index alone; the one that is there is answered as it is.",
    body=NewFolder,
    result=Object,
    status=201,
    makes=True,
)
OPERATIONS: Final = (
    LIST_OBJECTS,
    EXPORT_OBJECTS,
    GET_OBJECT,
    UPDATE_OBJECT,
    DELETE_OBJECT,
    RESTORE_OBJECT,
    LIST_FOLDERS,
    CREATE_FOLDER,
)
