"""Objects' bytes: read, written, and indexed where they are."""

from __future__ import annotations

from typing import Annotated, Final

from valetkey.wire.base import Body, Query, Shape, says
from valetkey.wire.objects import AT_STORE, IN_DATASET, ONE_OBJECT, Object
from valetkey.wire.operation import Operation


class ContentQuery(Query, frozen=True):
    """How to get the bytes."""

    redirect: Annotated[
        bool,
        says(
            "Whether to be led to a URL at the store that opens just this object for a quarter of "
            "an hour. Without it, and where there is no such URL, the bytes come from here.",
            False,
        ),
    ] = True


class UploadQuery(Query, frozen=True):
    """Where the bytes go."""

    path: Annotated[str, says("The object's path below the location's folder.", "a/cat.jpg")]
    replaces: Annotated[
        str | None,
        says(
            "What may be there already: absent, nothing but these very bytes; `*`, whatever it is; "
            "or the `etag` of the object that is to be replaced.",
            "*",
        ),
    ] = None


class ObjectPaths(Body, frozen=True):
    """Objects that are in the bucket already."""

    paths: Annotated[
        list[str], says("Up to 1,000 of their paths.", ["a/cat.jpg"], min_length=1, max_length=1000)
    ]


class IndexedObjects(Shape, frozen=True):
    """Entries, in the order in which they were asked for."""

    items: Annotated[list[Object], says("An entry for each path.")]


READ_OBJECT: Final = Operation(
    id="readObject",
    method="GET",
    path=f"{ONE_OBJECT}/content",
    tag="objects",
    summary="Lead to an object's bytes, or send them.",
    description="A redirect to a URL at the store, or the bytes themselves; `Range` holds for "
    "both. HEAD tells how many there are.",
    query=ContentQuery,
    errors=("archived", "range_not_satisfiable", *AT_STORE),
    sends_content=True,
)
PUT_OBJECT: Final = Operation(
    id="putObject",
    method="PUT",
    path=f"{IN_DATASET}/content",
    tag="objects",
    summary="Write an object as its bytes come, and its entry.",
    description="Nothing is there before all of them are: a body that breaks off leaves no trace. "
    "The same bytes may be sent again. `Content-Type` is kept, or else is that of the name.",
    query=UploadQuery,
    result=Object,
    errors=("object_exists", "locked", "changed_meanwhile", "version_mismatch", *AT_STORE),
    reads_content=True,
)
INDEX_OBJECTS: Final = Operation(
    id="indexObjects",
    method="POST",
    path=f"{IN_DATASET}/objects",
    tag="objects",
    summary="Make entries of objects that are in the bucket already, without a sync.",
    body=ObjectPaths,
    result=IndexedObjects,
    status=201,
    errors=("locked", "changed_meanwhile", *AT_STORE),
    makes=True,
)
OPERATIONS: Final = (READ_OBJECT, PUT_OBJECT, INDEX_OBJECTS)
