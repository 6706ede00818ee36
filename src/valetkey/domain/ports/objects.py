"""The objects of a bucket: the one port by which verification and data alike use S3.

Every call names the credentials and the place that it is made with, so that one client serves all
tenants and keeps nobody's secret.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports.aws import BucketPlace

#: Returns credentials that still hold, for what outlives one session: it is called before each
#: part of a long transfer.
CredentialSource = Callable[[], Awaitable[AwsCredentials]]
#: Is told the id of a multipart upload once it is begun, before any part is sent.
UploadBegun = Callable[[str], Awaitable[None]]

#: The storage classes whose objects have to be restored before they can be read.
ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970, UTC."""
    return round(moment.timestamp() * 1000)


class Listed(NamedTuple):
    """An object as the bucket lists it. ``path`` is its key below the location's prefix; ``etag``
    is empty where the store has none, ``storage_class`` where it is STANDARD."""

    path: str
    size: int
    etag: str
    modified_ms: int
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A part of a listing, as the store sent it. Paths are whole keys here.

    Only ``last`` ends a listing: a page that is not the last may be empty, or shorter than asked
    for. ``token`` is there on every page but the last one and continues the listing, whatever its
    order; ``listed_ms`` is when the page was asked for."""

    objects: Sequence[Listed]
    last: bool
    listed_ms: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store has it.

    ``size`` counts the stored bytes, encoded as ``content_encoding`` says (``gzip``; empty: not).
    ``storage_class`` is empty for STANDARD. An archived object is ``restoring`` while S3 brings it
    back, and can be read until ``restored_until``. ``checksum`` is the store's own of the whole
    object, with its algorithm (``sha256:...``, in Base64), empty where there is none.
    ``described`` are the headers that describe the object to whoever reads it (``content-type``,
    ``cache-control``, ``x-amz-meta-...``): a copy is written with them.
    """

    size: int
    etag: str
    modified_at: datetime
    content_type: str = ""
    content_encoding: str = ""
    storage_class: str = ""
    restoring: bool = False
    restored_until: datetime | None = None
    checksum: str = ""
    described: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_archived(self) -> bool:
        """Tell whether the object has to be restored before it can be read."""
        return self.storage_class in ARCHIVED and self.restored_until is None


@dataclass(frozen=True, slots=True)
class ObjectReading:
    """An object's bytes on their way, as they are stored. Whoever opens it reads ``chunks`` to
    their end, or closes them: they hold a connection, also before the first one.

    ``size`` is how many will come, None where the store does not say. ``content_encoding`` must go
    with them wherever they go. ``etag`` is that of the object they are of (it may be another one
    than HEAD told of), ``headers`` are those of the answer that describe it.
    """

    size: int | None
    chunks: AsyncGenerator[bytes]
    content_range: str = ""
    content_encoding: str = ""
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def whole(self, *, most: int) -> bytes | None:
        """Return all bytes; None if there are more than ``most``, of which no more are read. Raises
        what the chunks raise."""
        body = bytearray()
        async with aclosing(self.chunks) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > most:
                    return None
        return bytes(body)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so at a key for it to be written: that nothing is there (an empty ``etag``), or
    that it is the object with this ETag."""

    etag: str = ""


#: Nothing may be at the key.
ABSENT: Final = Condition()


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was begun and has not ended."""

    key: str
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class UploadsPage:
    """A part of the list of unfinished uploads; ``next_key`` and ``next_id`` continue it, both
    empty on the last page."""

    uploads: Sequence[Upload]
    next_key: str = ""
    next_id: str = ""

    @property
    def last(self) -> bool:
        """Tell whether there is nothing more to ask for."""
        return not self.next_key


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an unfinished upload; ``number`` counts from 1."""

    number: int
    size: int
    etag: str


class ObjectStore(Protocol):
    """The objects of buckets.

    All methods raise AwsRefused, and AwsUnavailable for what may pass, while bytes are on their
    way too; both in words, never in XML. A call that the store does not have raises NotOffered. A
    write whose condition does not hold raises PreconditionFailed and changes nothing; a
    store that knows no conditions writes all the same.
    """

    # Listing and looking.

    async def list_page(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        *,
        prefix: str,
        after: str = "",
        token: str = "",
        limit: int = 1000,
    ) -> ListedPage:
        """List keys above ``after``, or go on at a token, always with exactly this prefix. A page
        that contradicts itself (more to come, and no token; a size that is none) is an error."""
        ...

    async def head(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Stored | None:
        """Return an object's facts, or None when there is none. A store that does not tell the size
        with them is asked in other ways; AwsUnavailable if none tells it."""
        ...

    async def find_region(
        self, place: BucketPlace, credentials: AwsCredentials, *, prefix: str = ""
    ) -> str:
        """Return the region that the bucket is really in, or the place's own where the bucket
        answers there and does not name one. ``prefix`` is what the credentials may list, if they
        may not look at the bucket itself. Raises AwsRefused (``NoSuchBucket``)."""
        ...

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a user's endpoint in its normal form.

        Raises InvalidInput for one that the settings don't allow, or that resolves to a loopback,
        link-local or private address.
        """
        ...

    async def blocks_public_access(self, credentials: AwsCredentials, place: BucketPlace) -> bool:
        """Tell whether all public access is blocked. The reference page grants no right to look,
        so that AwsRefused (AccessDenied) says nothing about the bucket."""
        ...

    async def methods_for_browsers(
        self, credentials: AwsCredentials, place: BucketPlace, prefix: str, origin: str
    ) -> frozenset[str]:
        """Return the HTTP methods that the bucket's CORS rules allow a page of ``origin``; empty
        where none fits. Needs the right to list ``prefix``."""
        ...

    # Bytes.

    async def read(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> ObjectReading:
        """Open an object, or the part of it that an HTTP Range header names. The first bytes have
        not been asked for before this returns; whoever gets them reads them all or closes them."""
        ...

    async def put(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        body: bytes,
        *,
        storage_class: str = "",
        content_type: str = "",
        condition: Condition | None = None,
    ) -> str:
        """Write a small object in one request and return its ETag. Needs no right but to write."""
        ...

    async def write(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        storage_class: str = "",
        content_type: str = "",
        content_encoding: str = "",
        described: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
        begun: UploadBegun | None = None,
    ) -> Stored:
        """Write an object as its bytes come, in parts beyond 8 MiB; a failed one leaves nothing
        where the credentials may abort. ``described`` (of another object: it counts before the
        type and encoding) and ``tags`` are what it is to carry. With ``renew``, parts that outlive
        the credentials go on with new ones. ``begun`` is told of an upload in parts, so that it
        can be ended by others should this process die."""
        ...

    async def copy(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        to: str,
        *,
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
        begun: UploadBegun | None = None,
    ) -> Stored:
        """Copy an object with all that it carries: type, encodings, metadata, storage class, tags
        and encryption. Raises AwsRefused before anything is written where that can't be done.
        ``begun`` is told of a copy in parts, as by :meth:`write`."""
        ...

    async def tags(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Mapping[str, str]:
        """Return an object's tags; none where the store has no such thing."""
        ...

    async def may_put(self, credentials: AwsCredentials, place: BucketPlace, key: str) -> bool:
        """Tell whether an object could be written, without writing one."""
        ...

    async def lacking_rights(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Sequence[str]:
        """Return which IAM actions on objects the credentials lack, beyond reading, writing and
        deleting. ``key`` names an object that is not there, and nothing is changed. Credentials
        that may not list ``key``'s folder seem to lack more than they do."""
        ...

    async def restore(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, days: int
    ) -> None:
        """Ask for an archived object to be readable for some days; that takes hours. Asking again
        while it is under way is no error."""
        ...

    # Deleting, and tidying up.

    async def delete(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        *,
        condition: Condition | None = None,
    ) -> None:
        """Delete an object; no error when there is none. With a condition, only the object that it
        names, as far as the store heeds it. Raises PreconditionFailed."""
        ...

    async def delete_many(
        self, credentials: AwsCredentials, place: BucketPlace, keys: Sequence[str]
    ) -> Mapping[str, ValetkeyError]:
        """Delete objects, a thousand in a request; return what failed, by key. Raises only what
        concerns none of them in particular."""
        ...

    async def list_uploads(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        *,
        prefix: str,
        after_key: str = "",
        after_id: str = "",
    ) -> UploadsPage:
        """List unfinished multipart uploads below a prefix."""
        ...

    async def list_parts(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> Sequence[Part]:
        """Return all parts of an unfinished upload. Raises AwsRefused (``NoSuchUpload``)."""
        ...

    async def abort_upload(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> None:
        """End an unfinished upload and let go of its parts; no error when it has ended already."""
        ...

    # For others to use.

    async def sign_read(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL that reads the object, for so long or until the session ends. ``headers``
        are those that the answer is to carry (``content-type``, ``content-disposition``)."""
        ...
