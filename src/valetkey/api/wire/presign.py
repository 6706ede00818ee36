"""Presigned URLs."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from valetkey.api.wire.base import In, Out
from valetkey.domain.errors import InvalidInput
from valetkey.domain.presign import Method
from valetkey.services.vending import PresignRequest


class PresignIn(In, frozen=True):
    """Keys of the bucket, in full, and what their URLs let one do for ``expiresSeconds``.

    ``disposition`` becomes the Content-Disposition of the answers (GET, HEAD); ``versionIds`` has
    an entry for each key, empty for the newest version.
    """

    keys: list[str]
    method: Literal["GET", "PUT", "HEAD", "DELETE"] = "GET"
    expires_seconds: int = 3600
    disposition: str = ""
    version_ids: list[str] = msgspec.field(default_factory=list)
    purpose: str = ""

    @property
    def wanted(self) -> PresignRequest:
        """The request as the service takes it. Raises InvalidInput."""
        try:
            expires = timedelta(seconds=self.expires_seconds)
        except OverflowError:
            raise InvalidInput(
                "expiresSeconds is beyond all bounds.",
                hint="Use 1 to 604800 seconds.",
                field="expiresSeconds",
            ) from None
        return PresignRequest(
            keys=self.keys,
            method=Method(self.method),
            expires=expires,
            disposition=self.disposition,
            version_ids=self.version_ids,
            purpose=self.purpose,
        )


class PresignedOut(Out, frozen=True):
    """One line of the answer: a key, its URL, and when it really ends. Whoever has the URL has the
    right."""

    key: str
    url: str
    expiration: str
