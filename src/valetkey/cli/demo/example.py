"""A handful of small files and images."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

_SIDE: Final = 96
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_IMAGES: Final = {
    "train/images/red.png": (214, 69, 65),
    "train/images/green.png": (72, 160, 92),
    "train/images/blue.png": (66, 118, 198),
    "validate/images/yellow.png": (232, 190, 66),
}
_FILES: Final = {
    "train/labels.csv": (b"image,label\nred.png,red\ngreen.png,green\nblue.png,blue\n", "text/csv"),
    "train/readme.txt": (b"Whoever may read train/ may read this.\n", "text/plain"),
    "validate/labels.csv": (b"image,label\nyellow.png,yellow\n", "text/csv"),
    "private/salaries.csv": (b"name,salary\nada,1\n", "text/csv"),
}


def example_objects() -> Iterator[tuple[str, bytes, str]]:
    """Yield key, bytes and kind of each object."""
    for key, (body, kind) in _FILES.items():
        yield key, body, kind
    for key, colour in _IMAGES.items():
        yield key, png(colour), "image/png"


def png(colour: tuple[int, int, int]) -> bytes:
    """Return a square PNG that fades from a colour to white."""
    rows = bytearray()
    for y in range(_SIDE):
        shade = bytes(part + (255 - part) * y // _SIDE for part in colour)
        rows += b"\x00" + shade * _SIDE  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
