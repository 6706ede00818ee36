"""Which part of a dataset an item is for (training, validation, test): tags in its metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.selection import Selection
from valetkey.domain.errors import InvalidInput

_ALL: Final = 100
_FILES: Final = {"type": "file"}
_Percent = Annotated[int, msgspec.Meta(ge=0, le=_ALL)]


class QueryIn(Tolerant, frozen=True):
    """Which items (DQL)."""

    filter: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def selection(self) -> Selection:
        """The items as the service takes them."""
        return Selection(self.filter or _FILES)


class ChangeIn(Tolerant, frozen=True):
    """What to change of items."""

    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class UpdateQueryIn(Tolerant, frozen=True):
    """A change, and whether it may be of ``metadata.system`` too."""

    update: ChangeIn = msgspec.field(default_factory=ChangeIn)
    system_space: bool = False


class BulkMetadataIn(Tolerant, frozen=True):
    """A change of the metadata of many items."""

    query: QueryIn = msgspec.field(default_factory=QueryIn)
    update_query: UpdateQueryIn = msgspec.field(default_factory=UpdateQueryIn)

    @property
    def patch(self) -> ItemPatch:
        """The change as the service takes it."""
        change = self.update_query
        return ItemPatch(metadata=change.update.metadata, system=change.system_space)


class SplitIn(Tolerant, frozen=True):
    """Items, and how many of a hundred each subset gets."""

    items_query: QueryIn = msgspec.field(default_factory=QueryIn)
    shares: dict[str, _Percent] = msgspec.field(name="MLSplitList", default_factory=dict)

    def __post_init__(self) -> None:
        if sum(self.shares.values()) != _ALL:
            raise InvalidInput(
                f"The shares add up to {sum(self.shares.values())}.",
                hint='Give percentages that add up to 100: {"train": 80, "test": 20}.',
                field="MLSplitList",
            )

    def patches(self) -> Callable[[], ItemPatch]:
        """Return what makes the next item's patch: each subset has its share of however many
        items, and none comes in a row."""
        given = dict.fromkeys(self.shares, 0)

        def patch() -> ItemPatch:
            count = sum(given.values()) + 1
            # Whichever is furthest behind its share.
            name = max(given, key=lambda each: self.shares[each] * count - given[each] * _ALL)
            given[name] += 1
            tags = {each: True if each == name else None for each in given}
            return ItemPatch(metadata={"system": {"tags": tags}}, system=True)

        return patch


class DoneOut(Out, frozen=True):
    """A command that is done as it is answered, and not kept."""

    id: str
    url: str
    spec: dict[str, Any]
    created_at: str
    updated_at: str
    type: str = "UpdateItems"
    status: str = "success"
    progress: int = 100
    error: dict[str, Any] | None = None
