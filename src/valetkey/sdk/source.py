"""Where the libraries get a location's credentials."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.sdk.refresher import Refresher


@dataclass(frozen=True, slots=True)
class Source:
    """Where an adapter gets its credentials: ``current`` returns ones that are good now. ``region``
    and ``endpoint`` are empty where nobody names them."""

    bucket: str
    region: str
    endpoint: str
    current: Refresher
    requester_pays: bool = False

    @classmethod
    def of(cls, current: Refresher) -> Source:
        """Ask for the first credential: it says where it is good. Raises ApiError."""
        first = current()
        pays = bool(first.requester_pays)
        return cls(first.bucket, first.region or "", first.endpoint or "", current, pays)
