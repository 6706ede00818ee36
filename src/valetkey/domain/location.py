"""A location: a bucket, or one folder of it, behind an integration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from valetkey.domain.changes import UNSET, Unset, given
from valetkey.domain.errors import InvalidInput
from valetkey.domain.names import clean_name
from valetkey.domain.scope import AccessLevel, normalize_folder

#: A location lies within at most so many others.
MAX_DEPTH: Final = 16
#: So many locations below one are looked at when it is narrowed.
MOST_BELOW: Final = 10_000
#: What a location gives unless it is narrowed.
ALL_ACCESS: Final = frozenset(AccessLevel)
#: S3 API reference, PutObject, x-amz-storage-class.
STORAGE_CLASSES: Final = frozenset(
    {
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "GLACIER_IR",
        "DEEP_ARCHIVE",
        "REDUCED_REDUNDANCY",
        "EXPRESS_ONEZONE",
    }
)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_KMS_KEY: Final = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z]{2,}(-[a-z]+)+-\d:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})"
)
_RESERVED_STARTS: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def parse_bucket(text: str) -> str:
    """Check a bucket's name (S3 user guide, "General purpose bucket naming rules").

    Raises :class:`InvalidInput`, naming the rule that the name breaks.
    """
    problem = _bucket_problem(text)
    if problem:
        raise InvalidInput(
            f"{text[:80]!r} can't be the name of a bucket: {problem}.",
            hint="3 to 63 lower-case letters, digits, dots and hyphens, as shown in the S3 console "
            "(without s3:// and without a folder).",
            field="bucket",
        )
    return text


def _bucket_problem(text: str) -> str:
    if text.startswith(("s3://", "http://", "https://", "arn:")) or "/" in text:
        return "it is an address, and the name alone is wanted"
    if not _BUCKET.fullmatch(text):
        return "its length or letters are not those of a bucket"
    if ".." in text or ".-" in text or "-." in text:
        return "dots stand beside dots or hyphens"
    if text.startswith(_RESERVED_STARTS) or text.endswith(_RESERVED_ENDS):
        return "it has a start or an end that AWS keeps for itself"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return ""
    return "it has the form of an IP address"


def parse_region(text: str) -> str:
    """Check that ``text`` has a region's form, such as eu-central-1. Empty means: discover it.

    Raises :class:`InvalidInput`.
    """
    if text and not _REGION.fullmatch(text):
        raise InvalidInput(
            f"{text[:40]!r} is not an AWS region.",
            hint="Use a name such as eu-central-1, or leave it empty: Valetkey finds it out.",
            field="region",
        )
    return text


def parse_storage_class(text: str) -> str:
    """Check a storage class. Empty means the bucket's default. Raises :class:`InvalidInput`."""
    if text and text not in STORAGE_CLASSES:
        raise InvalidInput(
            f"{text[:40]!r} is not a storage class of S3.",
            hint=f"Use one of {', '.join(sorted(STORAGE_CLASSES))}, or none.",
            field="storageClass",
        )
    return text


def parse_kms_key(text: str) -> str:
    """Check that ``text`` is the ARN of a KMS key. Empty means: none.

    An alias is refused: IAM does not resolve one in a policy. Raises :class:`InvalidInput`.
    """
    arn = text.strip()
    if arn and not _KMS_KEY.fullmatch(arn):
        raise InvalidInput(
            f"{arn[:120]!r} is not the ARN of a KMS key.",
            hint="It has the form arn:aws:kms:eu-central-1:123456789012:key/ID: copy it from the "
            "key's page in KMS (not an alias).",
            field="kmsKeyArn",
        )
    return arn


@dataclass(frozen=True, slots=True)
class Location:
    """Where objects are. ``prefix`` is normalised (empty, or ending in ``/``); ``region`` is the
    discovered one; ``endpoint`` is empty for AWS itself.

    ``kms_key_arn`` names the key of the bucket's SSE-KMS (empty: none is needed). With
    ``shared_sessions`` everybody with the same scope gets the same session, and CloudTrail names
    the location, not the person.

    A location within another (``parent_id``) opens at most what that one opens; ``access`` and
    ``ends_at`` narrow it further (see :mod:`valetkey.domain.location_tree`). ``requester_pays``:
    who asks pays for what the bucket's owner would pay for otherwise.
    """

    id: str
    project_id: str
    integration_id: str
    name: str
    bucket: str
    prefix: str
    region: str
    endpoint: str
    storage_class: str
    allow_external_delete: bool
    creator: str
    created_at: datetime
    updated_at: datetime
    kms_key_arn: str = ""
    shared_sessions: bool = False
    parent_id: str | None = None
    access: frozenset[AccessLevel] = ALL_ACCESS
    ends_at: datetime | None = None
    requester_pays: bool = False
    version: int = 1

    def full_prefix(self, below: str) -> str:
        """Return the key prefix of a folder below the location's own.

        Raises :class:`InvalidInput` for a folder that is not usable (see ``normalize_folder``).
        """
        return self.prefix + normalize_folder(below)


@dataclass(frozen=True, slots=True)
class NewLocation:
    """What a person gives for a location.

    With an ``integration_id`` alone it is a root, which an organisation's owner makes; otherwise,
    and for everybody else, it lies within ``parent_id``, or within the narrowest location of the
    project that holds the bucket and folder. An empty ``region`` is found out.
    """

    name: str
    bucket: str
    integration_id: str = ""
    folder: str = ""
    region: str = ""
    endpoint: str = ""
    storage_class: str = ""
    allow_external_delete: bool = False
    kms_key_arn: str = ""
    shared_sessions: bool = False
    requester_pays: bool = False
    parent_id: str = ""
    access: frozenset[AccessLevel] = ALL_ACCESS
    ends_at: datetime | None = None

    def made(self, location_id: str, project_id: str, *, creator: str, now: datetime) -> Location:
        """Return the location, which lies in no other yet. Raises InvalidInput."""
        parts = _read({field.name: getattr(self, field.name) for field in fields(self)})
        return Location(
            id=location_id,
            project_id=project_id,
            creator=creator,
            created_at=now,
            updated_at=now,
            prefix=parts.pop("folder"),
            **parts | {"parent_id": None},
        )


@dataclass(frozen=True, slots=True)
class LocationChange:
    """What is to be changed; what is left out stays. With ``revokes_beyond`` the leases are revoked
    that open more than is left."""

    name: str | Unset = UNSET
    allow_external_delete: bool | Unset = UNSET
    kms_key_arn: str | Unset = UNSET
    shared_sessions: bool | Unset = UNSET
    requester_pays: bool | Unset = UNSET
    access: frozenset[AccessLevel] | Unset = UNSET
    ends_at: datetime | Unset | None = UNSET
    revokes_beyond: bool = False

    def applied(self, location: Location) -> Location:
        """Return the location as it is to be. Raises InvalidInput."""
        parts = _read(given(self))
        del parts["revokes_beyond"]
        return replace(location, **parts)


def _some(access: frozenset[AccessLevel]) -> frozenset[AccessLevel]:
    if not access:
        raise InvalidInput(
            "A location that gives nothing is no location.",
            hint="Name at least one of list, read, write, delete; or let it end.",
            field="access",
        )
    return access


#: How what people give is read; what is not named here is taken as it is.
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": clean_name,
    "bucket": lambda text: parse_bucket(text.strip()),
    "folder": lambda text: normalize_folder(text, field="path"),
    "region": lambda text: parse_region(text.strip()),
    "endpoint": str.strip,
    "storage_class": parse_storage_class,
    "kms_key_arn": parse_kms_key,
    "access": _some,
}


def _read(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _READERS.get(name, lambda it: it)(value) for name, value in parts.items()}
