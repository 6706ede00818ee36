"""Datasets: an index of the objects below a location's prefix, and its items.

An item's ``path`` is its object's key without the location's prefix. A path that ends in ``/`` is a
folder somebody made; folders that merely hold items have no row. The API's ``filename`` is the
path with a leading ``/``, escaped where a client would take it for a place elsewhere
(:mod:`valetkey.catalog.domain.filenames`); filters compare the path itself.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from valetkey.catalog.domain.dql.ast import Column, Scalar
from valetkey.catalog.domain.dql.values import MAX_METADATA_TEXT, check_scalar, check_text
from valetkey.catalog.domain.filenames import escape, unescape
from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput, TooLarge
from valetkey.domain.ports.objects import ARCHIVED, to_ms
from valetkey.domain.scope import MAX_KEY_BYTES
from valetkey.domain.verification import PROBE_PREFIX

#: An item whose object is gone keeps its id and metadata this long, should the object come back.
TOMBSTONE_LIFETIME: Final = timedelta(days=7)
#: The dataset that Dataloop's SDK expects in each project, shown only on request.
HIDDEN_DATASET: Final = "Binaries"
MAX_METADATA_BYTES: Final = 1024 * 1024
MAX_DESCRIPTION: Final = 4000
_MAX_METADATA_DEPTH: Final = 16
#: Keys of ``metadata.system`` that follow the object and can't be written.
SYSTEM_FACTS: Final = frozenset({"size", "mimetype", "etag", "originalname", "storageClass"})
#: The storage class of objects that tell none.
STANDARD: Final = "STANDARD"
DEFAULT_TYPE: Final = "application/octet-stream"
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
#: What clients send when they don't know.
_NO_TYPE: Final = frozenset({DEFAULT_TYPE, "text/plain"})


@dataclass(frozen=True, slots=True)
class Dataset:
    """A name over a location. ``location_id`` is empty for the hidden one. ``number`` is the
    database's own short name for it, 0 before it is stored."""

    id: str
    project_id: str
    location_id: str
    name: str
    creator: str
    created_at: datetime
    updated_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False
    number: int = 0
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An object in a dataset, or a folder somebody made (its path ends in ``/``).

    ``metadata`` is what people wrote: ``{"user": ..., "system": ...}``, without the facts that
    follow the object. ``storage_class`` is empty for STANDARD.
    """

    id: str
    dataset_id: str
    path: str
    size: int
    etag: str
    mimetype: str
    creator: str
    modified_at: datetime | None
    created_at: datetime
    updated_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    storage_class: str = ""

    @property
    def is_folder(self) -> bool:
        return self.path.endswith("/")

    @property
    def is_archived(self) -> bool:
        """Tell whether the object has to be restored before it is read, for all the index knows."""
        return self.storage_class in ARCHIVED

    @property
    def filename(self) -> str:
        """The path as the API shows it, with a leading ``/``; no client takes it elsewhere."""
        return "/" + escape(self._bare_path)

    @property
    def name(self) -> str:
        return self.filename.rpartition("/")[2]

    @property
    def directory(self) -> str:
        """The folder that holds it, as the API shows it: ``/`` or ``/a/b``."""
        return self.filename.rpartition("/")[0] or "/"

    @property
    def _bare_path(self) -> str:
        return self.path.removesuffix("/")

    def is_object_of(self, other: Item) -> bool:
        """Tell whether the object is the same as another item's, for all that can be seen."""
        return bool(self.etag) and (self.etag, self.size) == (other.etag, other.size)

    def columns(self) -> dict[Column, Scalar]:
        """Return the values that filters see: names as keys have them, not escaped."""
        folder, _, name = self._bare_path.rpartition("/")
        return {
            Column.ID: self.id,
            Column.FILENAME: "/" + self._bare_path,
            Column.NAME: name,
            Column.DIR: "/" + folder,
            Column.TYPE: "dir" if self.is_folder else "file",
            Column.CREATOR: self.creator,
            Column.CREATED_AT: to_ms(self.created_at),
            Column.UPDATED_AT: to_ms(self.updated_at),
            Column.SIZE: self.size,
            Column.MIMETYPE: self.mimetype,
            Column.ETAG: self.etag,
            Column.STORAGE_CLASS: self.storage_class or STANDARD,
            Column.DESCRIPTION: self.description,
            Column.DATASET: self.dataset_id,
        }


def folder_of(path: str) -> str:
    """Return the folder that holds a path: empty, or ending in ``/``."""
    return path[: path.rstrip("/").rfind("/") + 1]


def folder_id(dataset_id: str, path: str) -> str:
    """Return a folder's identifier, the same whether or not it has a row."""
    return hashlib.sha256(f"{dataset_id}/{path}".encode()).hexdigest()[:24]


def mimetype_of(path: str) -> str:
    """Return the media type that a name's ending stands for."""
    name = path.rpartition("/")[2]
    if "." not in name:
        return DEFAULT_TYPE
    ending = name[name.rfind(".") :].lower()
    # A fixed table: the system's own (/etc/mime.types) would differ from machine to machine.
    return _TYPES.types_map[True].get(ending) or _TYPES.types_map[False].get(ending, DEFAULT_TYPE)


_TYPES: Final = mimetypes.MimeTypes()


def media_type_of(given: str, path: str) -> str:
    """Return the media type that somebody gave with an object, or, where they gave none that says
    anything, the one that its name's ending stands for."""
    is_told = _MEDIA_TYPE.fullmatch(given) is not None and given not in _NO_TYPE
    return given if is_told else mimetype_of(path)


def is_indexable(path: str) -> bool:
    """Tell whether a listed path can be an item: not a folder's marker, not a probe of ours, and
    text that every database keeps (no NUL)."""
    return bool(path) and not path.endswith("/") and PROBE_PREFIX not in path and "\0" not in path


def parse_path(text: str, *, field: str = "path") -> str:
    """Read a new item's path as people give it: a filename, with or without its leading ``/``.

    Raises InvalidInput for one that tools would resolve to another object (``.``, ``..``, ``//``),
    for control characters, and for one that is too long as a key.
    """
    path = unescape(text.removeprefix("/"))
    problem = _path_problem(path)
    if problem:
        raise InvalidInput(
            f"{ascii(text)[:120]} can't be an item's path: {problem}.",
            hint="Give a path such as '/train/1.jpg'.",
            field=field,
        )
    return path


def _path_problem(path: str) -> str:
    segments = path.split("/")
    if not path or "" in segments:
        return "it has an empty part"
    if any(segment in {".", ".."} for segment in segments):
        return "it has a '.' or '..' part"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in path):
        return "it has control characters or broken unicode"
    if len(path.encode()) > MAX_KEY_BYTES:
        return "it is longer than a key may be (1,024 bytes)"
    if PROBE_PREFIX in path:
        return f"names with {PROBE_PREFIX!r} are kept for Valetkey's own checks"
    return ""


def parse_folder(text: str, *, field: str = "path") -> str:
    """Read a folder's path; the result ends in ``/``. Raises InvalidInput."""
    return parse_path(text.rstrip("/"), field=field) + "/"


def check_description(text: str) -> str:
    """Return a description that both databases keep. Raises InvalidInput (NUL), TooLarge."""
    if len(text) > MAX_DESCRIPTION:
        raise TooLarge(
            f"The description has {counted(len(text), 'letter')}.",
            hint=f"Keep it below {MAX_DESCRIPTION}.",
            field="description",
        )
    return check_text(text)


def check_metadata(document: object) -> dict[str, Any]:
    """Return metadata that both databases keep exactly and filters can compare.

    Raises InvalidInput (not an object, too deep, numbers beyond 64 bits, NUL), TooLarge.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput("Metadata is not an object.", hint="Give {...}.", field="metadata")
    return _of_size({_key(key): _checked(value, 1) for key, value in document.items()})


def _of_size(metadata: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        raise TooLarge(
            f"The metadata would have {counted(size, 'byte')}.",
            hint=f"Keep it below {MAX_METADATA_BYTES}.",
            field="metadata",
        )
    return metadata


def _checked(value: object, depth: int) -> Any:
    if depth > _MAX_METADATA_DEPTH:
        raise TooLarge(
            f"The metadata is nested deeper than {_MAX_METADATA_DEPTH}.", hint="Flatten it."
        )
    if isinstance(value, Mapping):
        return {_key(key): _checked(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_checked(part, depth + 1) for part in value]
    return check_scalar(value, max_text=MAX_METADATA_TEXT)


def _key(key: object) -> str:
    return str(check_scalar(str(key)))


def patched(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396): objects merge, null removes, anything else replaces."""
    new = dict(old)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, Mapping):
            before = new.get(key)
            new[key] = patched(before if isinstance(before, Mapping) else {}, value)
        else:
            new[key] = value
    return new


def patched_metadata(
    old: Mapping[str, Any], patch: Mapping[str, Any], *, system: bool
) -> dict[str, Any]:
    """Apply a patch to an item's metadata. Without ``system``, ``metadata.system`` is left alone;
    the facts that follow the object always are. Raises InvalidInput, TooLarge."""
    wanted = check_metadata(patch)
    if not system:
        wanted.pop("system", None)
    elif isinstance(wanted.get("system"), dict):
        facts = wanted["system"]
        wanted["system"] = {key: facts[key] for key in facts if key not in SYSTEM_FACTS}
    return _of_size(patched(old, wanted))
