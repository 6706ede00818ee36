"""The file that an export makes: lists of items, kept in parts until somebody has fetched them.

A part is lines of JSON, an item each, packed with gzip. All parts together are read as one JSON
array, as a zip archive of that, or part by part as they are.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

#: So long a finished export can be fetched.
KEPT: Final = timedelta(hours=24)
#: A part is full with so many items, or bytes of lines: on SQLite everybody else's records wait
#: while one is stored.
PART_ITEMS: Final = 5_000
PART_BYTES: Final = 4 * 1024 * 1024
#: What all exports of a dataset may take together, packed.
MOST_KEPT: Final = 2 * 1024**3
#: A zip archive of more needs a form that not every reader knows.
MOST_ZIPPED: Final = 2**32 - 2**16
_DOS_DATE: Final = 0x21  # 1980-01-01: an archive of the same list is the same, byte for byte


class FileKind(StrEnum):
    """How the whole of an export is read."""

    JSON = "json"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export: the items that ``where`` fits (JSON), those changed from ``since_ms`` on.
    ``form`` names how an item is written, ``base`` is the API's address for it, ``kind`` how
    the file is read."""

    where: Any
    form: str
    base: str = ""
    kind: FileKind = FileKind.JSON
    since_ms: int = 0
    in_parts: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "where": self.where,
            "form": self.form,
            "base": self.base,
            "kind": self.kind.value,
            "since_ms": self.since_ms,
            "in_parts": self.in_parts,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ExportOptions:
        """Read what was stored."""
        return cls(**{**document, "kind": FileKind(document["kind"])})


@dataclass(frozen=True, slots=True)
class ExportPart:
    """A part, counted from 0: ``items`` of them, ``size`` bytes of lines, ``packed`` bytes as they
    are stored, with their MD5 in Base64. ``crc`` is the CRC-32 of the JSON array up to its end."""

    command_id: str
    number: int
    items: int
    size: int
    packed: int
    md5: str
    crc: int


def pack(
    command_id: str, number: int, lines: Sequence[bytes], crc: int
) -> tuple[ExportPart, bytes]:
    """Return a part of these lines, after others whose array has this CRC, and what to store."""
    text = b"\n".join(lines) + b"\n"
    packed = gzip.compress(text, compresslevel=6, mtime=0)
    digest = hashlib.md5(packed, usedforsecurity=False).digest()
    part = ExportPart(
        command_id,
        number,
        len(lines),
        len(text),
        len(packed),
        base64.b64encode(digest).decode(),
        zlib.crc32(_piece(number, text), crc),
    )
    return part, packed


def array_piece(part: ExportPart, packed: bytes) -> bytes:
    """Return what a part is of the JSON array: all but the closing bracket."""
    return _piece(part.number, gzip.decompress(packed))


def _piece(number: int, text: bytes) -> bytes:
    # Lines of JSON hold no line breaks of their own.
    return (b"," if number else b"[") + text[:-1].replace(b"\n", b",")


def array_end(parts: Sequence[ExportPart]) -> bytes:
    """Return what closes the JSON array of all parts."""
    return b"]" if parts else b"[]"


def array_size(parts: Sequence[ExportPart]) -> int:
    """Return how many bytes the JSON array of all parts has."""
    return sum(part.size for part in parts) + 1 if parts else 2


@dataclass(frozen=True, slots=True)
class Zip:
    """A zip archive of one file, stored as it is: what comes before its bytes, and after."""

    before: bytes
    after: bytes

    @classmethod
    def around(cls, name: str, parts: Sequence[ExportPart]) -> Zip:
        """Return the archive that holds the JSON array of all parts under a name."""
        encoded, size = name.encode(), array_size(parts)
        crc = zlib.crc32(array_end(parts), parts[-1].crc if parts else 0)
        facts = struct.pack("<5H3L2H", 20, 0x800, 0, 0, _DOS_DATE, crc, size, size, len(encoded), 0)
        before = b"PK\x03\x04" + facts + encoded
        entry = b"PK\x01\x02" + struct.pack("<H", 20) + facts + bytes(14) + encoded
        where = struct.pack("<4H2LH", 0, 0, 1, 1, len(entry), len(before) + size, 0)
        return cls(before, entry + b"PK\x05\x06" + where)


def file_size(kind: FileKind, name: str, parts: Sequence[ExportPart]) -> int:
    """Return how many bytes the file of all parts has."""
    size = array_size(parts)
    if kind is FileKind.JSON:
        return size
    archive = Zip.around(name, parts)
    return len(archive.before) + size + len(archive.after)
