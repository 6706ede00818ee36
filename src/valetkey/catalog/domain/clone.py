"""What a clone copies, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from valetkey.catalog.domain.dataset import Item, patched_metadata


@dataclass(frozen=True, slots=True)
class CloneOptions:
    """The items that ``where`` fits (JSON) are copied to the dataset ``target_id``.

    They keep their paths, below ``folder`` (empty, or ending in ``/``); a single one gets ``path``,
    and ``made_id`` is its copy's id once it is made. ``metadata`` is merged into what they bring
    along, if anything. ``before_id`` leaves out what is newer than the clone, where that copies
    within one dataset.
    """

    where: Any
    target_id: str
    folder: str = ""
    path: str = ""
    with_metadata: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    before_id: str = ""
    made_id: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> CloneOptions:
        """Read what was stored."""
        return cls(**document)

    def path_of(self, item: Item) -> str:
        """Return the path of an item's copy."""
        return self.path or self.folder + item.path

    def metadata_of(self, item: Item) -> dict[str, Any]:
        """Return the metadata of an item's copy. Raises TooLarge."""
        brought = item.metadata if self.with_metadata else {}
        return patched_metadata(brought, self.metadata, system=True)
