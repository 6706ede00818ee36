"""Changes of many entries at once: those that a filter fits, or those that are named."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from valetkey.wire.base import ID, Body, Shape, says
from valetkey.wire.objects import AT_STORE, IN_DATASET, MOVING, Glob
from valetkey.wire.operation import Operation


class MatchingObjects(Body, frozen=True):
    """Entries that all of this fits, and how many they are held to be. Without anything that they
    are to fit it is refused: nothing is never everything."""

    kind: Annotated[
        Literal["file", "dir"] | None, says("Only objects, or only folders.", "file")
    ] = None
    glob: Glob = None
    object_ids: Annotated[
        Annotated[list[str], msgspec.Meta(max_length=1000)] | None, says("Only these.", [ID])
    ] = None
    having: Annotated[
        dict[str, str | int | float | bool | None] | None,
        says("Only those whose metadata has this; a dot leads inwards.", {"user.city": "Paris"}),
    ] = None
    expected_count: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        says("Do nothing unless they are so many.", 12),
    ] = None
    dry_run: Annotated[bool, says("Only tell how many they are.", True)] = False


class MatchingChange(MatchingObjects, frozen=True, kw_only=True):
    """Which entries to change, and how."""

    metadata: Annotated[
        dict[str, Any],
        says("Merged into the metadata of each; a null takes a key away.", {"user": {"ok": True}}),
    ]


class ObjectMove(Body, frozen=True):
    """Which objects go into which folder."""

    object_ids: Annotated[list[str], says("Up to 1,000 ids.", [ID], min_length=1, max_length=1000)]
    folder: Annotated[
        str, says('The folder\'s path; it need not be there. "" is the topmost.', "b/")
    ]


class ObjectCount(Shape, frozen=True, omit_defaults=False):
    """How many entries something was done to."""

    count: Annotated[int, says("How many.", 12)]


CHANGE_MATCHING_OBJECTS: Final = Operation(
    id="changeMatchingObjects",
    method="POST",
    path=f"{IN_DATASET}/changes",
    tag="objects",
    summary="Change the metadata of all entries that a filter fits.",
    description="Those that can't be changed are named in the error; the others are.",
    body=MatchingChange,
    result=ObjectCount,
    errors=("not_as_expected", "partly_done", "changed_meanwhile", "took_too_long", "too_large"),
)
DELETE_MATCHING_OBJECTS: Final = Operation(
    id="deleteMatchingObjects",
    method="POST",
    path=f"{IN_DATASET}/deletions",
    tag="objects",
    summary="Delete all entries that a filter fits; their objects go too if the location allows.",
    description="Those that can't be deleted are named in the error; the others are gone.",
    body=MatchingObjects,
    result=ObjectCount,
    errors=(
        "not_as_expected",
        "partly_done",
        "changed_meanwhile",
        "took_too_long",
        "too_large",
        "locked",
        *AT_STORE,
    ),
    makes=True,
)
MOVE_OBJECTS: Final = Operation(
    id="moveObjects",
    method="POST",
    path=f"{IN_DATASET}/moves",
    tag="objects",
    summary="Move objects into a folder: each is copied there and deleted where it was.",
    description="Those that can't be moved are named in the error; the others are.",
    body=ObjectMove,
    result=ObjectCount,
    errors=("partly_done", *MOVING, *AT_STORE),
)
OPERATIONS: Final = (MOVE_OBJECTS, CHANGE_MATCHING_OBJECTS, DELETE_MATCHING_OBJECTS)
